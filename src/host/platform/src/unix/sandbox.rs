//! The filter of system calls.

use std::io;

use crate::sandbox::{Mode, Sockets};

#[cfg(not(target_os = "linux"))]
pub(crate) fn confine(_sockets: Sockets, _mode: Mode) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(target_os = "linux")]
pub(crate) fn confine(sockets: Sockets, mode: Mode) -> io::Result<()> {
    use seccompiler::{BpfProgram, SeccompAction, SeccompFilter, TargetArch, apply_filter_all_threads};

    let arch: TargetArch = std::env::consts::ARCH.try_into().map_err(io::Error::other)?;
    let others = linux::SOCKETS.iter().filter(|_| sockets == Sockets::Present);
    // No rule about arguments: the call is given up whatever they are.
    let rules = linux::DOORS.iter().chain(others).map(|call| (*call, Vec::new())).collect();
    let action = match mode {
        Mode::Refuse => SeccompAction::Errno(linux::REFUSED),
        Mode::Log => SeccompAction::Log,
    };
    let filter = SeccompFilter::new(rules, SeccompAction::Allow, action, arch).map_err(io::Error::other)?;
    let program: BpfProgram = filter.try_into().map_err(io::Error::other)?;
    apply_filter_all_threads(&program).map_err(io::Error::other)
}

#[cfg(target_os = "linux")]
mod linux {
    use nix::libc::{self, c_long};

    pub(super) const REFUSED: u32 = libc::EPERM as u32;

    /// To other programs, into other processes and into the kernel.
    pub(super) const DOORS: [c_long; 38] = [
        libc::SYS_acct,
        libc::SYS_add_key,
        libc::SYS_bpf,
        libc::SYS_chroot,
        libc::SYS_clock_adjtime,
        libc::SYS_clock_settime,
        libc::SYS_delete_module,
        libc::SYS_execve,
        libc::SYS_execveat,
        libc::SYS_finit_module,
        libc::SYS_init_module,
        libc::SYS_io_uring_enter,
        libc::SYS_io_uring_register,
        libc::SYS_io_uring_setup,
        libc::SYS_kcmp,
        libc::SYS_kexec_file_load,
        libc::SYS_kexec_load,
        libc::SYS_keyctl,
        libc::SYS_mount,
        libc::SYS_move_mount,
        libc::SYS_open_by_handle_at,
        libc::SYS_open_tree,
        libc::SYS_perf_event_open,
        libc::SYS_personality,
        libc::SYS_pidfd_getfd,
        libc::SYS_pivot_root,
        libc::SYS_process_vm_readv,
        libc::SYS_process_vm_writev,
        libc::SYS_ptrace,
        libc::SYS_reboot,
        libc::SYS_request_key,
        libc::SYS_setns,
        libc::SYS_settimeofday,
        libc::SYS_swapoff,
        libc::SYS_swapon,
        libc::SYS_umount2,
        libc::SYS_unshare,
        libc::SYS_userfaultfd,
    ];

    /// To others, on this machine or elsewhere.
    pub(super) const SOCKETS: [c_long; 6] =
        [libc::SYS_accept, libc::SYS_accept4, libc::SYS_bind, libc::SYS_connect, libc::SYS_listen, libc::SYS_socket];
}
