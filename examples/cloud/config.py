"""The configuration files of Keystone, Glance, Placement and Neutron, and the common parts of all services' files."""

from collections.abc import Iterable
from pathlib import Path

from examples.cloud.parts import Binaries, Part
from examples.cloud.plan import COMPUTE_HOST, REGION, Plan
from examples.embedded.config import LOG_LEVELS, Sections, render


def write_config(path: Path, sections: Sections) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(render(sections))


def write_service_configs(plan: Plan, binaries: Binaries, parts: Iterable[Part]) -> None:
    """Write the files of all services but Nova's; the paste files are beside the environment's bin folder."""
    folder = binaries["services"]
    etc = folder.parent / "etc"
    configs = {
        "keystone": keystone_sections(plan),
        "placement": placement_sections(plan),
        "glance": glance_sections(plan, etc),
        "neutron": neutron_sections(plan, "neutron", folder),
    }
    for part in parts:
        configs |= part.configs(plan, binaries)
    for name, sections in configs.items():
        write_extended(plan, name, sections, parts)


def write_extended(plan: Plan, name: str, sections: Sections, parts: Iterable[Part]) -> None:
    """Write a service's file with the options that the parts add."""
    for part in parts:
        part.extend(plan, name, sections)
    write_config(plan.config_file(name), sections)


def logging_options(plan: Plan, name: str) -> dict[str, str]:
    return {"debug": "True", "default_log_levels": LOG_LEVELS, "log_file": str(plan.log(name))}


def database_options(plan: Plan, name: str, database: str) -> dict[str, str]:
    """Return a database's options: each service uses an account of its own, which the server's general log shows."""
    url = f"mysql+pymysql://{name}:{plan.secret}@127.0.0.1:{plan.port('mariadb')}/{database}?charset=utf8"
    return {"connection": url} | ({"connection_debug": "100"} if plan.echo else {})


def broker_url(plan: Plan) -> str:
    return f"rabbit://openstack:{plan.secret}@127.0.0.1:{plan.port('rabbitmq')}/"


def account(plan: Plan, user: str) -> dict[str, str]:
    """Return a service's credentials for Keystone."""
    return {
        "auth_type": "password",
        "auth_url": plan.url("keystone"),
        "username": user,
        "password": plan.secret,
        "project_name": "service",
        "user_domain_name": "Default",
        "project_domain_name": "Default",
        "region_name": REGION,
    }


def token_check(plan: Plan, user: str) -> dict[str, str]:
    return account(plan, user) | {"www_authenticate_uri": plan.url("keystone"), "service_token_roles_required": "True"}


def keystone_sections(plan: Plan) -> Sections:
    folder = plan.state / "keystone"
    return {
        "DEFAULT": logging_options(plan, "keystone"),
        "database": database_options(plan, "keystone", "keystone"),
        "token": {"provider": "fernet"},
        "fernet_tokens": {"key_repository": str(folder / "fernet-keys")},
        "credential": {"key_repository": str(folder / "credential-keys")},
    }


def placement_sections(plan: Plan) -> Sections:
    return {
        "DEFAULT": logging_options(plan, "placement"),
        "api": {"auth_strategy": "keystone"},
        "keystone_authtoken": token_check(plan, "placement"),
        "placement_database": database_options(plan, "placement", "placement"),
    }


def glance_sections(plan: Plan, etc: Path) -> Sections:
    folder = plan.state / "glance"
    return {
        "DEFAULT": logging_options(plan, "glance") | {"enabled_backends": "local:file"},
        "database": database_options(plan, "glance", "glance"),
        "keystone_authtoken": token_check(plan, "glance"),
        "paste_deploy": {"flavor": "keystone", "config_file": str(etc / "glance" / "glance-api-paste.ini")},
        "glance_store": {"default_backend": "local"},
        "local": {"filesystem_store_datadir": str(folder / "images")},
        "os_glance_staging_store": {"filesystem_store_datadir": str(folder / "staging")},
        "os_glance_tasks_store": {"filesystem_store_datadir": str(folder / "tasks")},
        "oslo_concurrency": {"lock_path": str(folder / "locks")},
    }


def neutron_sections(plan: Plan, name: str, binaries: Path) -> Sections:
    """Return the configuration of a process of Neutron's server; `binaries` is its environment's bin folder."""
    return {
        "DEFAULT": logging_options(plan, name)
        | {
            "host": COMPUTE_HOST,
            "state_path": str(plan.state / "neutron"),
            "transport_url": broker_url(plan),
            "api_paste_config": str(binaries.parent / "etc" / "neutron" / "api-paste.ini"),
            "auth_strategy": "keystone",
            "core_plugin": "ml2",
            "service_plugins": "",
            # No agent runs that could answer.
            "dhcp_agent_notification": "False",
        },
        "database": database_options(plan, name, "neutron"),
        "keystone_authtoken": token_check(plan, "neutron"),
        "nova": account(plan, "nova"),
        "ml2": {
            "type_drivers": "local",
            "tenant_network_types": "local",
            # inside/bootseq_cloud_binding.py
            "mechanism_drivers": "bootseq_cloud_binding",
        },
        "quotas": dict.fromkeys(("quota_network", "quota_subnet", "quota_port"), "-1"),
        "oslo_concurrency": {"lock_path": str(plan.state / "neutron" / "locks")},
        "privsep": {"helper_command": str(binaries / "privsep-helper")},
    }
