/// What one client has of one channel: from its position on, everything should have come.
struct Reception {
    /// Offsets that were passed over: there was nothing there, or it was lost. ``Judge/verify()`` tells which.
    struct Jump {
        /// The last offset before it.
        let after: UInt64
        /// The first offset behind it.
        let before: UInt64
        let at: Moment
    }

    let epoch: String
    /// Everything up to here came, or was passed over.
    private(set) var last: UInt64
    private(set) var jumps: [Jump] = []
    /// What came late into a jump.
    private var late: Set<UInt64> = []

    init(epoch: String, from offset: UInt64) {
        self.epoch = epoch
        last = offset
    }

    enum Verdict: Equatable {
        case next
        case repeated
        case reordered
    }

    mutating func take(_ offset: UInt64, at moment: Moment) -> Verdict {
        guard offset > last else {
            guard jumps.contains(where: { $0.after < offset && offset < $0.before }), late.insert(offset).inserted
            else { return .repeated }
            return .reordered
        }
        if offset != last + 1 { jumps.append(Jump(after: last, before: offset, at: moment)) }
        last = offset
        return .next
    }

    /// The node says that there is nothing more up to here.
    mutating func reach(_ offset: UInt64, at moment: Moment) {
        guard offset > last else { return }
        jumps.append(Jump(after: last, before: offset + 1, at: moment))
        last = offset
    }

    /// Publications in jumps that never came.
    func missing(in log: ChannelLog) -> [(jump: Jump, offset: UInt64, id: PublicationID)] {
        jumps.flatMap { jump in
            log.between(jump.after, jump.before).compactMap {
                late.contains($0.offset) ? nil : (jump, $0.offset, $0.id)
            }
        }
    }
}

/// When something happened, and under which fault.
package struct Moment: Sendable, Equatable {
    /// Seconds since the run began.
    package var seconds: Double
    /// Number of the fault that began last; 0 before the first.
    package var fault: Int

    package init(seconds: Double = 0, fault: Int = 0) {
        self.seconds = seconds
        self.fault = fault
    }
}
