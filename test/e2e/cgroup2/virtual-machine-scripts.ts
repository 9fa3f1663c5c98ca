/** Below a kernel's folder of modules, each after those it needs. Which of them there are depends on the kernel's version. */
export const KERNEL_MODULES: readonly string[] = [
  'drivers/virtio/virtio_ring.ko',
  'drivers/virtio/virtio.ko',
  'drivers/virtio/virtio_pci_legacy_dev.ko',
  'drivers/virtio/virtio_pci_modern_dev.ko',
  'drivers/virtio/virtio_pci.ko',
  'fs/netfs/netfs.ko',
  'fs/fscache/fscache.ko',
  'net/9p/9pnet.ko',
  'net/9p/9pnet_virtio.ko',
  'fs/9p/9p.ko',
  'fs/overlayfs/overlay.ko',
];

const SHARED = 'trans=virtio,version=9p2000.L,msize=1048576';

/** The machine's first process: puts memory over this machine's files and goes on there. */
export const initScript = (modules: readonly string[]): string => `#!/bin/busybox sh
b=/bin/busybox
$b mount -t proc proc /proc
$b mount -t devtmpfs dev /dev
for module in ${modules.join(' ')}; do $b insmod /modules/$module; done
$b mount -t 9p -o ${SHARED},ro,cache=loose root /lower
$b mount -t tmpfs upper /upper
$b mkdir /upper/files /upper/work
$b mount -t overlay -o lowerdir=/lower,upperdir=/upper/files,workdir=/upper/work overlay /root
$b mkdir -p /root/pacer-vm-out
$b cp /start /root/pacer-vm-start
$b mount --move /dev /root/dev
exec $b switch_root /root /bin/sh /pacer-vm-start
`;

/** Goes on among this machine's files: runs the command of the folder shared for writing, and powers off. */
export const ROOT_SCRIPT = `
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root PACER_VM_OUT=/pacer-vm-out
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mount -t tmpfs run /run
# Not over /tmp: the project itself may be there.
mkdir /run/tmp
chmod 1777 /run/tmp
export TMPDIR=/run/tmp
mount -t 9p -o ${SHARED} out $PACER_VM_OUT
ip link set lo up
cd $PACER_VM_OUT
uname -r >kernel
cp /sys/fs/cgroup/cgroup.controllers controllers
sh ./command >output 2>&1
echo $? >exit
sync
echo o >/proc/sysrq-trigger
sleep 60
`;
