/* Runs a program as Android runs what an app starts, as far as system calls go: app-filter PROGRAM ARGUMENT...

   Calls that the filter of Android's apps allows pass, all others raise SIGSYS. Allowed is what the C library of Android 8, the first with a filter, offers to 64-bit
   Arm (bionic: SYSCALLS.TXT without the block lists, with the allow lists). x86-64 has older forms of some of these calls, which the C library of this machine
   uses: they pass too. For tests on x86-64 only. */
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static const int allowed[] = {
    /* processes, threads, signals */
    SYS_execve, SYS_exit, SYS_exit_group, SYS_clone, SYS_wait4, SYS_waitid, SYS_futex, SYS_set_tid_address, SYS_gettid, SYS_getpid, SYS_getppid, SYS_getpgid,
    SYS_getsid, SYS_setsid, SYS_setpgid, SYS_getuid, SYS_geteuid, SYS_getgid, SYS_getegid, SYS_getresuid, SYS_getresgid, SYS_getgroups, SYS_kill, SYS_tkill,
    SYS_tgkill, SYS_rt_sigaction, SYS_rt_sigprocmask, SYS_rt_sigreturn, SYS_rt_sigsuspend, SYS_rt_sigtimedwait, SYS_rt_sigpending, SYS_rt_tgsigqueueinfo,
    SYS_sigaltstack, SYS_signalfd4, SYS_restart_syscall, SYS_prctl, SYS_personality, SYS_getrusage, SYS_getrlimit, SYS_setrlimit, SYS_prlimit64,
    SYS_getpriority, SYS_setpriority, SYS_sched_yield, SYS_sched_getaffinity, SYS_sched_setaffinity, SYS_sched_getparam, SYS_sched_setparam,
    SYS_sched_getscheduler, SYS_sched_setscheduler, SYS_sched_get_priority_max, SYS_sched_get_priority_min, SYS_sched_rr_get_interval, SYS_getcpu, SYS_uname,
    SYS_sysinfo, SYS_umask, SYS_times, SYS_getrandom, SYS_membarrier, SYS_seccomp,
    /* memory */
    SYS_brk, SYS_mmap, SYS_munmap, SYS_mremap, SYS_mprotect, SYS_madvise, SYS_msync, SYS_mlock, SYS_munlock, SYS_mlockall, SYS_munlockall, SYS_mincore,
    SYS_memfd_create,
    /* files */
    SYS_openat, SYS_close, SYS_read, SYS_write, SYS_readv, SYS_writev, SYS_pread64, SYS_pwrite64, SYS_lseek, SYS_fstat, SYS_newfstatat, SYS_faccessat,
    SYS_fchmod, SYS_fchmodat, SYS_fchown, SYS_fchownat, SYS_linkat, SYS_mkdirat, SYS_mknodat, SYS_readlinkat, SYS_renameat, SYS_symlinkat, SYS_unlinkat,
    SYS_utimensat, SYS_ftruncate, SYS_truncate, SYS_fallocate, SYS_fadvise64, SYS_fsync, SYS_fdatasync, SYS_sync, SYS_flock, SYS_fcntl, SYS_ioctl, SYS_dup,
    SYS_dup3, SYS_pipe2, SYS_getdents64, SYS_getcwd, SYS_chdir, SYS_fchdir, SYS_statfs, SYS_fstatfs, SYS_sendfile, SYS_splice, SYS_tee, SYS_vmsplice,
    SYS_readahead, SYS_inotify_init1, SYS_inotify_add_watch, SYS_inotify_rm_watch,
    /* time, events, sockets */
    SYS_clock_gettime, SYS_clock_getres, SYS_clock_nanosleep, SYS_nanosleep, SYS_gettimeofday, SYS_getitimer, SYS_setitimer, SYS_timer_create,
    SYS_timer_settime, SYS_timer_gettime, SYS_timer_getoverrun, SYS_timer_delete, SYS_timerfd_create, SYS_timerfd_settime, SYS_timerfd_gettime, SYS_eventfd2,
    SYS_epoll_create1, SYS_epoll_ctl, SYS_epoll_pwait, SYS_ppoll, SYS_pselect6, SYS_socket, SYS_socketpair, SYS_bind, SYS_connect, SYS_listen, SYS_accept4,
    SYS_getsockname, SYS_getpeername, SYS_sendto, SYS_recvfrom, SYS_sendmsg, SYS_recvmsg, SYS_sendmmsg, SYS_recvmmsg, SYS_shutdown, SYS_setsockopt,
    SYS_getsockopt,
    /* older forms of these, which arm64 does not have */
    SYS_arch_prctl, SYS_open, SYS_stat, SYS_lstat, SYS_access, SYS_readlink, SYS_unlink, SYS_rename, SYS_mkdir, SYS_rmdir, SYS_link, SYS_symlink, SYS_chmod,
    SYS_pipe, SYS_dup2, SYS_poll, SYS_select, SYS_epoll_create, SYS_epoll_wait, SYS_eventfd, SYS_accept, SYS_time, SYS_vfork, SYS_fork, SYS_getdents,
    SYS_getpgrp, SYS_alarm, SYS_pause, SYS_utimes,
};

int main(int count, char **arguments) {
  enum { most = sizeof allowed / sizeof *allowed };
  struct sock_filter filter[3 + (2 * most) + 1];
  int n = 0;
  if (count < 2) return fprintf(stderr, "usage: app-filter PROGRAM ARGUMENT...\n"), 2;
  filter[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
  for (int i = 0; i < most; i++) {
    filter[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, allowed[i], 0, 1);
    filter[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
  }
  filter[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP);
  struct sock_fprog program = {n, filter};
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program)) return perror("seccomp"), 1;
  execv(arguments[1], arguments + 1);
  return perror(arguments[1]), 1;
}
