"""Texts that are made to be slow: what each pattern of the masking looks for, and beginnings of it, repeated."""

from __future__ import annotations

_UNITS = """
_--eyJ|://:|://a:|://a:b@|:\\/\\/a:|password|password=|password=[|password='|password=\\'|password "|pass=(|eyJaaaaaaaa.|
-----BEGIN|-----END|-----BEGIN A-----|secret,|secret,data|$6$|$2a$a|token=a,|authorization: a ,b=|cookie: a=b;|tokens/|
tokens/a|%3A%2F%2F|%3a%2f%2fa%40|ssh-rsa |AQaaaaaaaaaaa|gAAAA|mysql -p|mysql 'a|mysql "|echo |echo a \\||echo '|curl -u |
password\\|<password|<password a|<password>|&quot;password|password&quot;:&quot;|%22password%22%3A|%2525|
insert into users values (|insert into users |[SQL: |[SQL: set password]\n[parameters: (|identified by |identified with a |
"value": "a", |"value": |-v a |'password', |"name": "password", |password is |password set to |password.value|pass.|pass-|
passaaaa|password: \\|\n|/* |-- a|'pass|set password for |payload"|payload_content_ payload"|&code=|:key=|crypt |DHHC-1:00:|
ghp_|{SSHA}|#cloud-config|<<<|<<< '|pass \\| sudo|chpasswd a:|x=y pass|password\u0130|password=\u0130|cookie=0x0,|
ldapsearch -w|-n password |node.session.auth.password |user=a%|secret key |token token | password\n  a|sudo -S |vault login
"""  # noqa: E501


def units() -> list[str]:
    """Return the texts to be repeated."""
    parts = _UNITS.strip("\n").replace("|\n", "|").replace("\\|", "\0").split("|")
    return [part.replace("\0", "|") for part in parts if part]
