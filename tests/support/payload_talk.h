// SPDX-License-Identifier: Apache-2.0
// Behaviours of the payload program that talks to another one, or waits for it (payload.c).
#ifndef CORDON_TESTS_SUPPORT_PAYLOAD_TALK_H_
#define CORDON_TESTS_SUPPORT_PAYLOAD_TALK_H_

int TalkWait(char** argv);
int TalkAsk(char** argv);
int TalkClose(char** argv);
int TalkFlood(char** argv);
int TalkHold(char** argv);
int TalkSlow(char** argv);
int TalkHear(char** argv);
int LeaveThread(char** argv);

#endif  // CORDON_TESTS_SUPPORT_PAYLOAD_TALK_H_
