/* The entry point of a statically linked program (eng/static). Android ends an app that makes a system call which the filter of its apps does not know (signal
   SIGSYS), and so ends whatever the app starts. The C library takes "not implemented" for an answer, so a handler of the signal gives it that. The handler is set
   before the C library runs: nothing here may need a relocation, thread-local memory or a function of the library. So addresses are computed from where the code
   is, and fields set one by one; a compiler would rather copy them from a table that has yet to be relocated.

   A call that is made while all signals are blocked cannot be answered so; eng/PatchSystemCalls.cs replaces those. */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <ucontext.h>

#define HIDDEN __attribute__((visibility("hidden"), used))

/* struct sigaction as the kernel has it. */
struct kernel_action {
  void *handler;
  unsigned long flags;
  void *restorer;
  unsigned long mask;
};

HIDDEN void thomas_refused(int signal, siginfo_t *info, void *context) {
  (void)signal, (void)info;
  mcontext_t *registers = &((ucontext_t *)context)->uc_mcontext;
#if defined(__x86_64__)
  registers->gregs[REG_RAX] = -ENOSYS;
#elif defined(__aarch64__)
  registers->regs[0] = (unsigned long)-ENOSYS;
#else
#error "x86-64 and arm64 only"
#endif
}

#if defined(__x86_64__)

#define SA_RESTORER 0x04000000
#define RT_SIGACTION 13L
#define RT_SIGRETURN "15"

/* The stack pointer holds the arguments of the program, rdx what is to run at its end: _start must find both as they were. */
__asm__(
    ".globl thomas_start\n"
    ".hidden thomas_start\n"
    "thomas_start:\n"
    "  mov %rsp, %rbx\n"
    "  mov %rdx, %r12\n"
    "  and $-16, %rsp\n"
    "  call thomas_guard\n"
    "  mov %r12, %rdx\n"
    "  mov %rbx, %rsp\n"
    "  jmp _start\n"
    ".hidden thomas_return\n"
    "thomas_return:\n"
    "  mov $" RT_SIGRETURN ", %eax\n"
    "  syscall\n");

HIDDEN void thomas_guard(void) {
  volatile struct kernel_action action;
  __asm__("lea thomas_refused(%%rip), %0" : "=r"(action.handler));
  __asm__("lea thomas_return(%%rip), %0" : "=r"(action.restorer));
  action.flags = SA_SIGINFO | SA_NODEFER | SA_RESTORER;
  action.mask = 0;
  long result;
  register long mask_bytes __asm__("r10") = sizeof action.mask;
  __asm__ volatile("syscall"
                   : "=a"(result)
                   : "0"(RT_SIGACTION), "D"((long)SIGSYS), "S"(&action), "d"(0L), "r"(mask_bytes)
                   : "rcx", "r11", "memory");
}

#else

#define RT_SIGACTION 134L

/* x0 holds what is to run at the program's end. */
__asm__(
    ".globl thomas_start\n"
    ".hidden thomas_start\n"
    "thomas_start:\n"
    "  mov x19, x0\n"
    "  bl thomas_guard\n"
    "  mov x0, x19\n"
    "  mov x29, #0\n"
    "  mov x30, #0\n"
    "  b _start\n");

HIDDEN void thomas_guard(void) {
  volatile struct kernel_action action;
  __asm__("adr %0, thomas_refused" : "=r"(action.handler));
  action.flags = SA_SIGINFO | SA_NODEFER;
  action.restorer = 0;
  action.mask = 0;
  register long number __asm__("x8") = RT_SIGACTION;
  register long x0 __asm__("x0") = SIGSYS;
  register long x1 __asm__("x1") = (long)&action;
  register long x2 __asm__("x2") = 0;
  register long x3 __asm__("x3") = sizeof action.mask;
  __asm__ volatile("svc 0" : "+r"(x0) : "r"(number), "r"(x1), "r"(x2), "r"(x3) : "memory");
}

#endif
