"""Ordinary words: names that identify nobody, and whose replacement would make a log unreadable."""

from __future__ import annotations

#: Words of Nova's messages, tables and columns, services, topics, states, levels, tools, folders, English.
_WORDS = frozenset(
    """
    network-vif-plugged network-vif-unplugged network-vif-deleted network-changed volume-extended volume-reimaged
    power-update accelerator-request-bound keystone.domain.root fpga pgpu srv ports handoff ovsdb hooks context
    msg_id unique_id payload topic_order wait ask a aa aarch64 able aborted aborting about accelerator accelerators
    accepted access access_ip_v4 access_ip_v6 access_url_base across action action_id active actual adapter add
    added adding addr address addresses admin admin_user administrator affinity after again against agent aggregate
    aggregate_hosts aggregate_id aggregate_metadata aggregates ago aki alias all allocate allocated allocating
    allocation allocation_ratio allocations allow allowed allowing already also alternates am amd amd64 ami amqp
    amqplib amqps an and anonymous another answer any aodh apache api applying apr arch architecture are args
    argument ari arm64 arp arq arqs as ascii aside assigned associate associated assuming at attach attached
    attaching attachment attachment_id attachments attempt attempted attempting attempts attribute attributes audit
    aug auth authentication authorized auto auto_disk_config automatically availability availability_zone available
    avoid away az back backed backend backing bad barbican bare baremetal base based bdm be because been before
    begin being belong between bin binary bind binding bindings block block_device_mapping block_device_mappings
    body boot boot_index booting both br-eth1 br-ex br-int br-tun brick bridge broadcasthost broker bug bugs build
    build_and_run_instance build_instances build_requests building buildrequest bus but by bytes c-api c-bak c-sch
    c-vol cache cached caching call called calling can cancel candidates cannot capabilities capacity cast catalog
    ceilometer cell cell0 cell1 cell2 cell_id cell_mappings cell_name cells centos ceph cert certificate
    certificates certs change changed changes characters check checking child chosen cidr cinder cinder-api
    cinder-backup cinder-scheduler cinder-volume cirros claim claimed class class_name classes clean cleaned
    cleaning cleanup clearing client clone cloud cloud_admin cls cluster code cold combination command commit
    compatible complete completed completion compute compute_id compute_node_id compute_nodes computenode computes
    concurrent conductor conf config config_drive configuration configure configured confirm confirmed confirming
    conflict conflicting conflicts connect connecting connection connection_info connector consider console
    console_auth_tokens console_type consoleauth consumer consumer_id consumer_type_id consumer_types consumers
    contain container contains content contents context continue continuing controller controllers copied copy
    copying core cores corp correct correctly could couldn count cpu cpu_allocation_ratio cpu_info cpus cpuset crash
    crashed create created creates creating creation credentials critical cross cross_cell_move ctx
    curr_last_refreshed curr_read_bytes curr_reads curr_write_bytes curr_writes current current_workload custom
    cyborg dashboard data database database_connection databases datastore date db db8 deallocate debian debug dec
    decode dedicated default default_ephemeral_device default_swap_device defaults define defined delete
    delete_on_termination deleted deleting deletion deliver delta deploy deployment deprecated description designate
    dest dest_compute dest_compute_id dest_host dest_node destination destination_type destroy destroyed destroying
    detach detached detaching details detected determine dev dev_id dev_type device device_metadata device_name
    device_type devices devstack dhcp dict did different direct directly directory disable_terminate disabled
    disabled_reason disappeared disconnect disconnected discover discovered disk disk_allocation_ratio
    disk_available_least disk_bus disk_gb disk_processed disk_remaining disk_total disks display_description
    display_name dist-packages distinct django dns do docker docs does doesn doing domain domains done down
    downloading drive driver dropped dropping due dump duplicate during each either elapsed else empty emulator
    enable enabled encountered encrypted encryption encryption_format encryption_options encryption_secret_uuid end
    endpoint endpoints enough ens3 ens4 ensure entry ephemeral ephemeral_gb ephemeral_key_uuid equal error errors es
    esx etc etcd eth0 eth1 ethernet evacuate evacuated evacuating even event eventlet events everyone example
    exceeded exceeds exception exchange excluding execute executors exist existing exists expected expire expires
    explicit explicitly export export_location expression extend extended extending extension external external_id
    extra extra_info extra_resources failed fails failure fallback falling false fanout fatal fc fcd feature feb
    fedora fetch few field file file_name files filesystem filter filtering find fingerprint finish finish_time
    finished firewall firmware first fit fix fixed fixes flag flask flat flavor flavor_extra_specs flavor_id
    flavor_projects flavorid flavors floating folder folders following for forbidden force forced forced_down
    forcing format found free free_disk_gb free_ram_mb fri from from_port fs function future g-api g-reg galera gb
    generate generated generation geneve get getting given glance glance-api glance-registry gmt gnocchi go goes
    going gone got graceful gre greater greenlet group group_id groups guest guest_format guests gzip had handler
    handling handshake happen happened happens haproxy hard hard_limit has have having he head header headers heal
    healing heat hello help hence here hi hidden home horizon host host_ip host_mappings hostmountstate hostname
    hosts hotplug how html http httpd https hw hypervisor hypervisor_hostname hypervisor_type hypervisor_version i
    i686 icmp id identity idle ids if ignore ignored ignoring image image_id image_ref images img implemented
    imported in in-use in_use included incomplete incorrect inet inet6 info information initialize initializing
    inject injecting inner input insert inspecting instance instance_actions instance_actions_events instance_extra
    instance_faults instance_group_member instance_group_policy instance_groups instance_id_mappings
    instance_info_caches instance_mappings instance_metadata instance_system_metadata instance_type_id instance_uuid
    instancelist instances instead insufficient intel interface interfaces internal internal_access_path into intra
    intranet invalid inventories inventory ip ip6-localhost ips ipv4 ipv6 ironic is is_public iscsi iso isolate
    issue issues it its jan job join json juju jul jun just kafka kernel kernel_id key key_data key_name key_pairs
    keypair keypairs keystone keystone-admin keystone-all keystone-public keystoneauth know kolla kombu kubernetes
    kuryr kvm kwargs label lan larger last last_seen_up later latest launch_index launched_at launched_on lazy
    leaked least left legacy less lib lib64 libguestfs libvirt libvirtd lifecycle likely limit limits line linux
    linuxbridge list live lo load loaded loading local local_gb local_gb_used localdomain localhost location lock
    locked locked_by log logs longer looking loop lost lvm lxc maas mac machine macos made magnum maintenance make
    makes making malformed manage managed management manager manila manual manually many map mapped mapping mappings
    mar mariadb marked marker masakari mask match matched matches matching max max_unit maximum may mb mdev mdevs
    mediated mem member memcache memcached memory memory_mb memory_mb_used memory_processed memory_remaining
    memory_total message messages metadata metering method metrics might migratable migrate migrated migrating
    migration migration_context migration_type migrations min min_unit minimum mismatch missing mistral mixed mnt
    mode model models mon monitor monitoring more most mount mounted mounting mountpoint move moved moving multi
    multiattach multiple must mysql mysqld n-api n-api-meta n-cond n-cond-cell1 n-cpu n-net n-novnc n-sch
    n-super-cond na name named names namespaces native nbd need needed needs net network network_id network_info
    networking networks neutron neutron-api neutron-dhcp-agent neutron-l3-agent neutron-linuxbridge-agent
    neutron-metadata-agent neutron-openvswitch-agent neutron-ovn-metadata-agent neutron-periodic-workers
    neutron-rpc-server neutron-server never new new_instance_type_id next nfs nginx nil no no_device noarch nobody
    node nodes non none nor nostate not note nothing notification notifications notify nov nova nova-api
    nova-api-metadata nova-cells nova-cert nova-compute nova-conductor nova-console nova-consoleauth nova-manage
    nova-metadata nova-network nova-novncproxy nova-objectstore nova-scheduler nova-status nova-volume novalocal
    novncproxy now null num numa numa_node numa_topology number nvme obj object objects objectstore occurred oct
    octavia of off offline offloaded ok old old_instance_type_id older on once one online only onto openstack
    openstackclient openstacklocal openvswitch operation opt option options or orchestration order org original os
    os_type osc oslo oslo_messaging other our out outer output outside ova over override ovf ovn ovs ovsdb owned
    packstack page pagesize parallel parameter parameters parent parent_addr parent_group_id parent_provider_id
    parse parsing part partition password paste patch path paths paused pci pci_devices pci_requests pci_stats pcpu
    peer pending per perform performing period_beginning period_ending periodic permitted persistent pf physical
    physnet1 pid pika pin pinned pinning placement placement-api placement_aggregates plain please ploop plug
    plugging pm pmem podman point policy pool port ports positive possible post postgres postgresql power
    power_state powered pre preparing present previous printable private privsep-helper probably problem problems
    proc proceed process processing product_id profile progress project project_id project_user_quotas projects
    properties property protocol provided provider providers providertree provision provisioning proxy public
    public_key publish publisher purpose put pymysql python python2 python3 q-agt q-dhcp q-l3 q-meta q-svc qbr qcow2
    qemu qos query question queue queued queued_for_delete queues quiesce quiescing quobyte quota quota_classes
    quota_usages quotas qvb qvo rabbit rabbitmq ram ram_allocation_ratio ramdisk_id ran range raw rbd re read reader
    reading ready realtime reason reboot rebooted rebooting rebuild rebuilding received recognised reconcile
    reconfigured reconfiguring record records recover redhat redis refer reference refresh refreshing refusing
    region regionone regions registered reinstall reinstalled related release remote remove removed removing replace
    reply reply_q report report_count reported reporting req request request_id request_specs requested requesting
    requests require required requirements requires requiring reschedule rescheduling rescue rescued reservation
    reservation_id reservations reserved reshape reshaping resize resized resizing resource resource_class_id
    resource_classes resource_id resource_provider_aggregates resource_provider_id resource_provider_traits
    resource_providers resources responding response restart restarted result results resume retries retrieve
    retrieved retrieving retry retrying return returned returning revert reverted reverting revoke rhel role roles
    rollback rolling root root_device_name root_gb root_provider_id router routers routing rows rp rpc rule rules
    run run_instance running running_vms runs rxtx_factor s3_images safety said same sat satisfy savepoint saving
    saw say says sbin schedule scheduled scheduler scheduling schema seconds secret secure security
    security_group_id security_group_instance_association security_group_rules security_groups see seen select
    select_destinations selected self send sending senlin sep serial serialproxy server servers service service_id
    servicegroup services set setting setup sev shall share share_id share_mapping share_proto shared shares sharing
    she shelve shelved shelved_offloaded should show shutdown shutdown_terminate shutting signature since single
    site site-packages sites size skipped skipping snapshot snapshot_id snapshots snp so socket sockets soft
    soft-delete soft_deleted some sort source source_compute source_node source_type space spawn spawned spawning
    spec specific specified specify specifying specs spicehtml5proxy sql sqlalchemy sqlite src srv ssh ssl stack
    stale start start-up start_time started starting startup stashed state stateless states stats status step_size
    still stop stopped stopping storage store stored storpool string stuck subnet subnets subset subtype succeeded
    success successful successfully such sun supplied supply support supported supported_instances supports sure
    suse suspended swap swift sync synchronized sys system table tag tags take taken takes tap target task
    task_items task_log task_name task_state tasks tcp tdx tell template tenant tenants terminate terminated_at text
    than thanks that the their then there these they think this those thread threads thu time timed timeout
    timestamp tls tls_port tmp to to_port today token token_hash tokens tomorrow too took topic topologies topology
    tot_last_refreshed tot_read_bytes tot_reads tot_write_bytes tot_writes total tpm trace traceback trait trait_id
    traits transitional transport transport_url tree trees tried tries tripleo trove true trust trusted_certs try
    trying tue twice two type types ubuntu udp uefi umount unable unacceptable unavailable unbind undefine undefined
    under unexpected unexpectedly unfinished union unknown unless unlimited unmount unpin unpinned unplug unplugging
    unregistered unset unshelve unsupported until until_refresh up update updated updating upgrade upgraded upload
    uploading uri url urllib3 usable usage usage_id usages use used user user_data user_id users uses using usr utc
    utf-8 uuid uuids uwsgi valid validate validation value values var vcenter vcpu vcpu_model vcpu_weight vcpus
    vcpus_used vdi vencrypt vendor_id vendordata venv verification verify verify_resize version versions very vf
    vgpu vhd vhu via view vif vifs virbr0 virt virtual virtual_interfaces virtualization vlan VM vm_mode vm_state
    vmdk VMs vmware vmwareapi vnc volume volume_id volume_size volume_type volume_usage_cache volumes vtpm vxlan
    vzstorage wait waiting want warn warning was watcher we webob wed were werkzeug what when where which while
    whitelist who whom whose why will windows with within without work worked working works would write wrong wsgi
    x86_64 xen xml yaml yes yesterday yet yields you your zero zone zones zookeeper zun zvm
    """.split()  # noqa: SIM905 - a list of words
)
#: Domains of software and standards, which messages link to.
_SOFTWARE = frozenset(
    """
    openstack.org opendev.org launchpad.net python.org readthedocs.io readthedocs.org github.com githubusercontent.com
    ubuntu.com canonical.com debian.org redhat.com centos.org fedoraproject.org libvirt.org qemu.org kernel.org
    openvswitch.org ovn.org rabbitmq.com mysql.com mariadb.org postgresql.org sqlalche.me sqlalchemy.org w3.org ietf.org
    rfc-editor.org cirros-cloud.net apache.org nginx.org pypi.org freedesktop.org gnu.org dmtf.org json-schema.org
    swagger.io
    """.split()  # noqa: SIM905 - a list of words
)
#: Domains that many sites use: reserved ones, and those inside of a site.
_SHARED = frozenset(
    """
    localhost localdomain local lan internal intra intranet home corp novalocal openstacklocal example example.com
    example.net example.org test invalid localdomain6 cluster.local svc.cluster.local in-addr.arpa ip6.arpa
    """.split()  # noqa: SIM905 - a list of words
)


def is_ordinary(name: str) -> bool:
    """Return whether a name is an ordinary word of OpenStack's texts, and so is not replaced."""
    return name in _WORDS or name.lower() in _WORDS


def is_ordinary_domain(name: str) -> bool:
    """Return whether a domain, or one above it, identifies no site."""
    return name.lower() in _SHARED or any(domain in _SOFTWARE for domain in _above(name))


def is_software(host: str) -> bool:
    """Return whether a host is one of a project of software."""
    return any(domain in _SOFTWARE for domain in _above(host))


def _above(name: str) -> list[str]:
    labels = name.lower().rstrip(".").split(".")
    return [".".join(labels[start:]) for start in range(len(labels))]
