package gvisor.sentry.syscall.linux;

import gvisor.sentry.syscall.SyscallTable;

/** System calls of sockets, System V semaphores and messages, and POSIX message queues. */
public final class NetTable {
  private NetTable() {}

  public static void fill(SyscallTable table) {
    table.full(41, "socket", SysSocket::socket);
    table.full(42, "connect", SysSocket::connect);
    table.full(43, "accept", SysSocket::accept);
    table.full(44, "sendto", SysSend::sendto);
    table.full(45, "recvfrom", SysReceive::recvfrom);
    table.full(46, "sendmsg", SysSend::sendmsg);
    table.full(47, "recvmsg", SysReceive::recvmsg);
    table.full(48, "shutdown", SysSocket::shutdown);
    table.full(49, "bind", SysSocket::bind);
    table.full(50, "listen", SysSocket::listen);
    table.full(51, "getsockname", SysSocket::getsockname);
    table.full(52, "getpeername", SysSocket::getpeername);
    table.full(53, "socketpair", SysSocket::socketpair);
    table.full(54, "setsockopt", SysSocket::setsockopt);
    table.full(55, "getsockopt", SysSocket::getsockopt);
    table.full(64, "semget", SysSem::semget);
    table.full(65, "semop", SysSem::semop);
    table.full(66, "semctl", SysSem::semctl);
    table.full(68, "msgget", SysMsg::msgget);
    table.full(69, "msgsnd", SysMsg::msgsnd);
    table.full(70, "msgrcv", SysMsg::msgrcv);
    table.full(71, "msgctl", SysMsg::msgctl);
    table.full(220, "semtimedop", SysSem::semtimedop);
    table.full(240, "mq_open", SysMqueue::mq_open);
    table.full(241, "mq_unlink", SysMqueue::mq_unlink);
    table.full(242, "mq_timedsend", SysMqueue::mq_timedsend);
    table.full(243, "mq_timedreceive", SysMqueue::mq_timedreceive);
    table.full(244, "mq_notify", SysMqueue::mq_notify);
    table.full(245, "mq_getsetattr", SysMqueue::mq_getsetattr);
    table.full(288, "accept4", SysSocket::accept4);
    table.full(299, "recvmmsg", SysReceive::recvmmsg);
    table.full(307, "sendmmsg", SysSend::sendmmsg);
  }
}
