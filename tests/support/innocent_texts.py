"""Texts without a secret, as services write them: every character of them must stay."""

from __future__ import annotations

_UUID = "d290f1ee-6c54-4b07-90e6-d701748f0851"

#: Texts that are changed though they hold no secret, and why that is accepted.
ACCEPTED = {
    "trust_id=d290f1ee6c544b0790e6d701748f0851": "who has a trust's id and its trustee's account acts by it",
    "contents: 3 files": "the value of an injected file's contents is never shown",
    "key_data: ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQ me@host": "public keys are masked, as they always were",
    "token: abc": "a value behind a colon is taken for one, however short",
    "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----": "a certificate is treated like the key beside it",
}

_LINES = """
Instance spawned successfully.
[instance: d290f1ee-6c54-4b07-90e6-d701748f0851] Took 0.50 seconds to spawn the instance on the hypervisor.
GET http://host:8774/v2.1/servers/d290f1ee-6c54-4b07-90e6-d701748f0851 HTTP/1.1 200
GET http://host:8774/v2/users/foo@bar.com HTTP/1.1 200
at 12:00:01 the token service is up
password: None, token: null, secret=
passing the network: nova
Attempting claim on node compute1: memory 512 MB, disk 1 GB, vcpus 1 CPU
Final resource view: name=compute1 phys_ram=7976MB used_ram=1024MB phys_disk=77GB used_disk=1GB total_vcpus=4
Creating image(s)
key_name=mykey, flavor=m1.tiny, image=cirros-0.6.2-x86_64-disk
"key_name": "mykey", "keypair_name": "laptop"
{'key_name': 'mykey', 'security_groups': ['default']}
GET /v2.1/os-keypairs/mykey HTTP/1.1
GET /v2.1/os-keypairs HTTP/1.1 200 1421
POST /v3/auth/tokens HTTP/1.1 201
GET /v3/auth/tokens/OS-PKI/revoked HTTP/1.1 200
GET /v2.1/os-server-password/d290f1ee-6c54-4b07-90e6-d701748f0851
token_type=novnc
"token_type": "spice-html5"
password_set=True
"password_set": false
has_password: yes
token_expires_at=2026-11-30T00:00:00Z
"expires_at": "2026-11-30T00:00:00.000000Z"
password_expires_at: 2026-11-30
secret_uuid=d290f1ee-6c54-4b07-90e6-d701748f0851
"secret_uuid": "d290f1ee-6c54-4b07-90e6-d701748f0851"
secret_id=d290f1ee-6c54-4b07-90e6-d701748f0851
secret_ref=http://10.0.0.1/key-manager/v1/secrets/d290f1ee-6c54-4b07-90e6-d701748f0851
credential_id=17
encryption_key_id=d290f1ee-6c54-4b07-90e6-d701748f0851
cipher=aes-xts-plain64 key_size=256 provider=luks
encryption_provider=luks control_location=front-end
{"encryption": null, "encryption_key_id": null}
token_count=5 max_tokens_count=9
secrets_count: 3
access denied for user 'nova'@'10.0.0.5' (using password: YES)
Access denied for user 'root'@'localhost' (using password: NO)
The request you have made requires authentication. (HTTP 401)
Unauthorized: The request you have made requires authentication.
Forbidden: You are not authorized to perform the requested action: identity:list_users.
Authorization failed: token is expired
Token not found in the cache
Failed to validate token: Token not found
Invalid token: the signature does not match
Invalid credentials: the user does not exist
token has expired
Token expired at 2026-11-30 00:00:00
password is required
password must be at least 8 characters long
Password expired for user admin
Password authentication failed for user "nova"
password authentication failed
The password does not match the requirements
new password cannot be one of the last 5 passwords
invalid password
Secret not found
Secret with UUID d290f1ee-6c54-4b07-90e6-d701748f0851 not found
No secret with matching uuid 'd290f1ee-6c54-4b07-90e6-d701748f0851'
Libvirt secret client.cinder secret not found
Creating a secret for volume d290f1ee-6c54-4b07-90e6-d701748f0851
secret 457eb676-33da-42ec-9a8c-9293d545c337 defined
passthrough=True
bypass=True
compass=3
host-passthrough
cpu_mode=host-passthrough
pci_passthrough_whitelist=[]
PASS: 10 tests
10 passed in 2.31s
passed: 10
userspace: 17
tokens per second
unexpected token '<' at line 1
SyntaxError: Unexpected token o in JSON at position 1
Setting instance vm_state to ERROR
Node compute1.example.org not found
No valid host was found. There are not enough hosts available.
ssh: connect to host 10.0.0.5 port 22: Connection refused
Connection to libvirt lost: internal error
Connected to AMQP server on 10.0.0.1:5672
AMQP server on 10.0.0.1:5672 is unreachable: timed out. Trying again in 1 seconds.
amqp://10.0.0.1:5672//
rabbit://openstack@10.0.0.1:5672/
mysql+pymysql://db.example.org/nova?charset=utf8
http://[::1]:8774/v2.1
https://cloud.example.org/dashboard
iqn.2010-10.org.openstack:volume-d290f1ee-6c54-4b07-90e6-d701748f0851
10.0.0.2:3260,1 iqn.2010-10.org.openstack:volume-x
rbd:volumes/volume-d290f1ee-6c54-4b07-90e6-d701748f0851
host@lvmdriver-1#lvmdriver-1
ubuntu@ceph#ceph
fa:16:3e:6f:a1:0b
tap3c9a1b2c-4d
192.168.1.5/24
fe80::f816:3eff:fe6f:a10b/64
2001:db8::5
Running cmd (subprocess): ip netns exec qdhcp-d290f1ee-6c54-4b07-90e6-d701748f0851 ip addr show
Running cmd (subprocess): ip -o link show dev tap3c9a1b2c-4d
Running cmd (subprocess): iscsiadm -m session
Running cmd (subprocess): iscsiadm -m node -T iqn.x -p 10.0.0.2:3260 --login
Running cmd (subprocess): iscsiadm -m node -T iqn.x -p 10.0.0.2:3260 --op update -n node.startup -v automatic
Running cmd (subprocess): iscsiadm -m node -p 10.0.0.2:3260 --op update -n node.session.auth.authmethod -v CHAP
Running cmd (subprocess): qemu-img info --force-share --output=json /var/lib/nova/instances/x/disk
Running cmd (subprocess): qemu-img create -f qcow2 -o backing_file=/x,backing_fmt=raw /y 1G
Running cmd (subprocess): rbd import --pool vms --image-format=2 /x y --id cinder --conf /etc/ceph/ceph.conf
Running cmd (subprocess): ceph mon dump --format=json --id nova --conf /etc/ceph/ceph.conf
Running cmd (subprocess): mount -t nfs 10.0.0.1:/export /mnt -o vers=4.1,rw
Running cmd (subprocess): sudo nova-rootwrap /etc/nova/rootwrap.conf blockdev --flushbufs /dev/sda
Running cmd (subprocess): mkisofs -o /tmp/x -ldots -allow-lowercase -J -r -V config-2
mysql -u root -p nova
mysql -u root -h 10.0.0.1 -e 'select 1'
mysqldump --single-transaction nova
psql -h 10.0.0.1 -U nova -d nova
curl -s -o /dev/null -w '%{http_code}' http://10.0.0.1:8774/
curl -X GET http://10.0.0.1:9292/v2/images
ssh -p 2222 -o BatchMode=yes root@10.0.0.5
rsync -e ssh -a /x host:/y
openssl x509 -in cert.pem -noout -subject
openstack server create --image cirros --flavor m1.tiny --key-name mykey --nic none vm1
openstack secret list -v
openstack keypair list
nova list --all-tenants
virsh list --all
virsh secret-list
cryptsetup luksOpen --key-file=- /dev/sdb x
docker run -p 80:80 nginx
grep -p x
cookie=0x1f2e3d4c, priority=100, table=0
cookie=0x0/-1
add_flow priority=1,cookie=0x8b4a actions=NORMAL
<uuid>d290f1ee-6c54-4b07-90e6-d701748f0851</uuid>
<name>instance-00000001</name>
<secret type='ceph' uuid='457eb676-33da-42ec-9a8c-9293d545c337'/>
<auth username='cinder'><secret type='ceph' uuid='457eb676-33da-42ec-9a8c-9293d545c337'/></auth>
<source protocol='rbd' name='volumes/volume-x'><host name='10.0.0.1' port='6789'/></source>
<graphics type='vnc' port='5900' autoport='yes' listen='0.0.0.0'/>
<domain type='kvm'><memory unit='KiB'>524288</memory></domain>
<secret ephemeral='no' private='no'><usage type='ceph'><name>client.cinder secret</name></usage></secret>
SELECT instances.uuid, instances.key_name FROM instances WHERE instances.deleted = 0
SELECT password, token FROM t WHERE token = %(token_1)s
UPDATE t SET password=%(password)s WHERE id = ?
UPDATE instances SET vm_state='active', task_state=NULL WHERE id = 1
INSERT INTO key_pairs (name, user_id, fingerprint) VALUES ('mykey', 'u', 'aa:bb')
INSERT INTO instance_actions (action, instance_uuid) VALUES ('create', 'd290f1ee')
"methods": ["password", "token"]
{"auth": {"identity": {"methods": ["token"]}}}
['password', 'token']
auth_type=password
auth_type = v3token
auth_methods=external,password,token
grant_type=authorization_code
provider=fernet
key_repository=/etc/keystone/fernet-keys
cert_file=/etc/x.pem key_file=/etc/x.key
ssl_key_file = /etc/nova/key.pem
private_key_file=/root/.ssh/id_rsa
password_file=/etc/x
--password-file /etc/x
--user-data-file x.sh
--key-file /x
hash_algorithm=sha256
password_hash_algorithm=bcrypt
password_hash_rounds=12
secret_key_file=/x
token_endpoint=http://10.0.0.1:5000/v3/token
user_id=8f3e1c2d4b5a69788796a5b4c3d2e1f0 project_id=0f1e2d3c4b5a69788796a5b4c3d2e1f0
req-7c1f9a7e-5b0c-4c39-8a55-2f6b6d0f7a11
[req-7c1f9a7e-5b0c-4c39-8a55-2f6b6d0f7a11 - - - - -] hello
reply_5f2b9c3d4e5f60718293a4b5c6d7e8f9
compute.host1
image checksum=ee1eca47dc88f4879d8a229cc70a07c6
sha256:6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b
os_hash_value=553d220ed58cfee7dafe003c446a9f197ab5edf8ffc09396c74187cf83873c877e7ae041cb80f3b91489acf687183adcd689b53b38e3ddd22e627e7f98a09c46
etag: "d41d8cd98f00b204e9800998ecf8427e"
{"addresses": {"private": [{"addr": "10.0.0.5", "version": 4}]}}
is_private=False
private network: net1
public network: net2
keyboard: us
monkey patching
turkey=1
primary_key=id
foreign key constraint fails (`nova`.`t`, CONSTRAINT `x` FOREIGN KEY (`instance_uuid`) REFERENCES `instances` (`uuid`))
Duplicate entry 'mykey' for key 'uniq_key_pairs0user_id0name0deleted'
KeyError: 'host'
No such key: foo
Missing required key: name
sort_key=created_at sort_dir=desc
routing_key=compute.host1
hw_signal=1
signal 15 received
design=4
assigned: host1
Signature verification failed
img_signature_verified=True
spin=3
dumping=1
cpu_pinning=dedicated
hw:cpu_policy=dedicated
pinned: 4
not provided: x
spawned: x
spawn=3
communication failed: timeout
basic auth is disabled
Basic authentication required
bearer authentication required
authentication: keystone
auth_url=http://10.0.0.1:5000/v3
auth_strategy=keystone
www_authenticate_uri = http://10.0.0.1:5000
username=nova, project_name=service
admin
author: somebody
authority: x
Loaded 2 fernet keys
trusted: yes
trusted_certs=None
entrusted
capacity: 5
cloud: x
cloud-init is done
cat x | wc -l
ls -l /x | grep y
price is $5
$PATH is unset
$1 and $2
a == b
x=1==1
https://cloud.example.org/images/cirros-0.6.2-x86_64-disk.img
swift://container/object
file:///var/lib/glance/images/x
cinder-volume:host1
cell1
instance-00000001
m1.small
cirros-0.6.2-x86_64-disk
ubuntu-22.04-server-cloudimg-amd64.img
size=13287936
min_disk=1, min_ram=0
{"flavor": {"name": "m1.tiny", "ram": 512, "disk": 1, "vcpus": 1}}
{"server": {"name": "vm1", "imageRef": "d290f1ee-6c54-4b07-90e6-d701748f0851", "flavorRef": "1", "key_name": "k"}}
{"event": "network-vif-plugged", "tag": "d290f1ee-6c54-4b07-90e6-d701748f0851", "status": "completed"}
Traceback (most recent call last): File "/usr/lib/python3/dist-packages/keystonemiddleware/auth_token/x.py", line 7
File "/usr/lib/python3/dist-packages/nova/console/securityproxy.py", line 10, in connect
oslo_messaging._drivers.amqpdriver
keystone.token.providers.fernet.core
nova.objects.console_auth_token
castellan.key_manager.barbican_key_manager
keystonemiddleware.auth_token [-] Starting
cookies are enabled
session is opened
timeout=60, retries=3
pool_timeout: 30
max_retries=-1
2026-11-30 00:00:01.123 7 INFO nova.compute.manager
{"payload": {"instance": "x"}, "event_type": "compute.instance.create.end"}
payload=x
"""


def innocents() -> list[str]:
    """Each text on its own."""
    return [line for line in _LINES.splitlines() if line]
