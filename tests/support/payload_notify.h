// SPDX-License-Identifier: Apache-2.0
// Behaviours of the payload program, by the first argument that it is run with (payload.c).
#ifndef CORDON_TESTS_SUPPORT_PAYLOAD_NOTIFY_H_
#define CORDON_TESTS_SUPPORT_PAYLOAD_NOTIFY_H_

int Sockets(char** argv);
int SocketFlood(char** argv);
int SocketInThreads(char** argv);
int OwnListener(char** argv);

#endif  // CORDON_TESTS_SUPPORT_PAYLOAD_NOTIFY_H_
