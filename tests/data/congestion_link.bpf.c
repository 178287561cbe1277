// SPDX-License-Identifier: MIT OR GPL-2.0
// The TCP congestion control of congestion.bpf.c, registered by a link alone.
#define BY_LINK_ALONE
#include "congestion.bpf.c"
