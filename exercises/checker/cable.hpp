// A cable with two ends for exercises with packets: `near`, 10.8.0.1, in a network namespace of the checker's own,
// which its children are in too, and `far`, 10.8.0.2, in another one.
#pragma once

#include <string>

namespace checker {

class Cable {
public:
    /// Takes this process into a new network namespace. Throws Error where the kernel has no veth or there is no `ip`.
    Cable();
    ~Cable();
    Cable(const Cable&) = delete;
    Cable& operator=(const Cable&) = delete;

    /// Whether a ping from far to near is answered.
    bool ping() const;
    /// How many of several are.
    int pings(int count) const;
    /// Whether a ping from near to far is answered.
    bool ping_from_near() const;
    bool has_xdp() const;  ///< whether a program is attached to `near`

private:
    int holder_ = -1;
};

}  // namespace checker
