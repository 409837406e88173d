/// What a timing wheel holds: something with one deadline at a time.
public protocol WheelMember: AnyObject {
    /// The wheel's bookkeeping. The wheel alone changes it.
    var wheelPlace: WheelPlace { get set }

    /// The deadline has come. May schedule itself anew, cancel itself or others.
    ///
    /// - Parameter now: microseconds of the monotonic clock.
    func deadlineReached(now: UInt64)
}

/// Where a member is in its wheel.
public struct WheelPlace {
    /// When it is due, and so in which bucket it is.
    var tick: UInt64 = 0
    /// Its index there; -1: not scheduled.
    var index: Int32 = -1

    public init() {}

    /// Whether a deadline is set.
    public var isScheduled: Bool { index >= 0 }
}

/// All deadlines of one event loop: pings, pongs, handshakes, closes. O(1) to set, move and cancel; one timer drives it.
///
/// A hashed wheel: deadlines beyond one turn stay in their bucket for the turns that are left. A deadline is never early
/// and at most one tick late (plus what the loop itself is late).
public final class TimingWheel {
    /// Length of a tick in microseconds.
    public let tickMicroseconds: UInt64
    private var buckets: [[any WheelMember]]
    private var current: UInt64
    /// Members with a deadline.
    public private(set) var count = 0

    /// - Parameters:
    ///   - now: microseconds of the monotonic clock.
    ///   - buckets: ticks of one turn.
    public init(now: UInt64, tickMicroseconds: UInt64 = 100_000, buckets: Int = 512) {
        self.tickMicroseconds = tickMicroseconds
        self.buckets = Array(repeating: [], count: buckets)
        self.current = now / tickMicroseconds
    }

    /// Sets or moves the deadline of a member, in microseconds of the monotonic clock.
    public func schedule(_ member: any WheelMember, at deadline: UInt64) {
        cancel(member)
        let tick = max(current + 1, (deadline + tickMicroseconds - 1) / tickMicroseconds)
        insert(member, tick: tick)
    }

    /// Takes away the deadline of a member, if it has one.
    public func cancel(_ member: any WheelMember) {
        let place = member.wheelPlace
        guard place.isScheduled else { return }
        let bucket = bucket(place.tick)
        let index = Int(place.index)
        let last = buckets[bucket].count - 1
        if index != last {
            let moved = buckets[bucket][last]
            buckets[bucket][index] = moved
            moved.wheelPlace.index = Int32(index)
        }
        buckets[bucket].removeLast()
        member.wheelPlace.index = -1
        count -= 1
    }

    /// Fires everything that is due at `now`.
    public func advance(to now: UInt64) {
        let target = now / tickMicroseconds
        // After a long stall one turn visits every bucket; what is overdue there is found by its tick.
        if target > current + UInt64(buckets.count) { current = target - UInt64(buckets.count) }
        while current < target {
            current += 1
            fire(bucket: bucket(current), now: now)
        }
    }

    private func fire(bucket: Int, now: UInt64) {
        // Backwards, one at a time: a callback may cancel any member of this bucket, which moves the last one into the
        // gap. The last one was looked at already, or the bucket is now shorter than `index` and the walk goes on there.
        var index = buckets[bucket].count - 1
        while index >= 0 {
            guard index < buckets[bucket].count else {
                index = buckets[bucket].count - 1
                continue
            }
            let member = buckets[bucket][index]
            if member.wheelPlace.tick <= current {
                cancel(member)
                member.deadlineReached(now: now)
            }
            index -= 1
        }
    }

    private func bucket(_ tick: UInt64) -> Int { Int(tick % UInt64(buckets.count)) }

    private func insert(_ member: any WheelMember, tick: UInt64) {
        let bucket = bucket(tick)
        member.wheelPlace.index = Int32(buckets[bucket].count)
        member.wheelPlace.tick = tick
        buckets[bucket].append(member)
        count += 1
    }
}
