// SPDX-License-Identifier: Apache-2.0
// Behaviours of the payload program, by the first argument that it is run with (payload.c).
#ifndef CORDON_TESTS_SUPPORT_PAYLOAD_WATCH_H_
#define CORDON_TESTS_SUPPORT_PAYLOAD_WATCH_H_

int EndOnSignal(char** argv);
int UseAndSleep(char** argv);
int ReadyBetween(char** argv);
int KillAll(char** argv);
int ForgeHealth(char** argv);
int LowerLimits(char** argv);
void WriteCanary(const char* path);
int Canary(char** argv);
int CanaryAfter(char** argv);

#endif  // CORDON_TESTS_SUPPORT_PAYLOAD_WATCH_H_
