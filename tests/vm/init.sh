#!/bin/busybox sh
# SPDX-License-Identifier: Apache-2.0
# The first process of a boot of the VM lab, from the initramfs: loads the modules, mounts the root
# image and the disk of tests at the place where the tests were built, then hands over to guest.py
# or to systemd. Reads from the kernel's command line: lab.tree= (that place), lab.init=.
/bin/busybox mount -t proc proc /proc
/bin/busybox mount -t sysfs sysfs /sys
/bin/busybox mount -t devtmpfs devtmpfs /dev
busybox() { /bin/busybox "$@"; }
# What cannot go on ends the machine at once; the console says why.
fail() {
  echo "lab: init failed: $*"
  busybox reboot -f
}

while read -r module; do
  busybox insmod "/modules/$module" || fail "insmod $module"
done </modules/order
for word in $(busybox cat /proc/cmdline); do
  case $word in
    lab.tree=*) tree=${word#lab.tree=} ;;
    lab.init=*) init=${word#lab.init=} ;;
  esac
done
busybox mount -t ext4 /dev/vda /root || fail "the root image"
busybox mount --move /dev /root/dev
busybox mkdir -p /root/dev/pts /root/dev/shm
busybox mount -t devpts -o gid=5,mode=620,ptmxmode=666 devpts /root/dev/pts
busybox mount -t tmpfs -o mode=1777 tmpfs /root/dev/shm
busybox mount -t tmpfs -o mode=755,nosuid,nodev tmpfs /root/run
# Every folder on the way is open to the unprivileged user, as on the host.
at=/root
for part in $(echo "$tree" | busybox tr / ' '); do
  at=$at/$part
  [ -d "$at" ] || busybox mkdir -m 755 "$at"
  busybox chmod a+rx "$at"
done
busybox mount -t ext4 /root/dev/vdb "/root$tree" || fail "the disk of tests"
busybox mount -t 9p -o trans=virtio,version=9p2000.L,msize=262144 lab /root/lab || fail "/lab"
busybox ip link set lo up
busybox mount --move /sys /root/sys
busybox mount --move /proc /root/proc
if [ "$init" = systemd ]; then
  busybox sed "s|@TREE@|$tree|" "/root$tree/tests/vm/lab.service" \
    >/root/etc/systemd/system/lab.service
  busybox mkdir -p /root/etc/systemd/system/multi-user.target.wants
  busybox ln -s ../lab.service /root/etc/systemd/system/multi-user.target.wants/lab.service
  exec /bin/busybox switch_root /root /lib/systemd/systemd --unit=multi-user.target
fi
exec /bin/busybox switch_root /root /usr/bin/python3 -B "$tree/tests/vm/guest.py" init
