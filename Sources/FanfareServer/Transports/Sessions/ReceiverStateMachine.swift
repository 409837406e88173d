/// Who receives what a session says: one receiver at a time, which asks once or again and again. A pure state machine.
struct ReceiverStateMachine {
    /// Names the receiver that is attached; `nil`: none is.
    private(set) var attached: UInt64?
    /// Whether it waits for an answer.
    private(set) var isWaiting = false

    /// A receiver asks. Returns whether it is the one; it waits from now on.
    mutating func ask(_ receiver: UInt64) -> Bool {
        guard attached == nil || attached == receiver && !isWaiting else { return false }
        attached = receiver
        isWaiting = true
        return true
    }

    /// It has its answer.
    ///
    /// - Parameter stays: whether it will ask again.
    mutating func answered(stays: Bool) {
        isWaiting = false
        if !stays { attached = nil }
    }

    /// A receiver goes. Returns whether it was the one.
    mutating func leave(_ receiver: UInt64) -> Bool {
        guard attached == receiver else { return false }
        attached = nil
        isWaiting = false
        return true
    }
}
