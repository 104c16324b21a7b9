/* TCP over IPv6 loopback, and both families on one port. */
#define TCP6
#include "tcp.c"
