import FanfareWire

/// The members of one channel that one event loop is responsible for: what the store has to be told, and when.
///
/// A pure state machine. Changes gather until ``work(now:)``, after the first for a tenth of a second; a client that came and went meanwhile is never heard of, and
/// one that went and came back never left. Times are microseconds of the monotonic clock.
struct PresenceStateMachine {
    /// Something to do with the store, at most ``PresenceTiming/batch`` members each.
    enum Work: Equatable {
        /// The number goes into ``joinAnswered(_:clients:isDone:now:)``.
        case join([ClientInfo], returning: Bool, call: UInt32)
        case leave([ExactText])
        case refresh([ExactText])
        case reap
    }

    private struct Member {
        var info: ClientInfo
        /// The last join that told of it; 0: none did.
        var call: UInt32 = 0
        /// Whether the store has it, as far as is known.
        var isConfirmed = false
        /// Whether the store once had it, and others know.
        var isReturning = false
    }

    private let timing: PresenceTiming
    private var members: [ExactText: Member] = [:]
    /// Members that the store has to be told of.
    private var joining: [ExactText] = []
    /// Those that it has to forget, and since when.
    private var leaving: [ExactText: (member: Member, since: UInt64)] = [:]
    /// Those that it was told to forget and has not answered for.
    private var told: [ExactText: UInt64] = [:]
    /// What is left of this round of refreshes.
    private var round: [ExactText] = []
    private var roundBatch = PresenceTiming.batch
    private var nextCall: UInt32 = 1
    private var changesAt: UInt64?
    /// Not before then is the store told of changes again.
    private var gathersUntil: UInt64 = 0
    private var refreshAt: UInt64?
    private var reapAt: UInt64?

    init(timing: PresenceTiming) { self.timing = timing }

    /// Whether nothing is left to do.
    var isEmpty: Bool { members.isEmpty && leaving.isEmpty && told.isEmpty }

    /// Members now.
    var count: Int { members.count }

    /// When ``work(now:)`` has something to do; `nil`: never.
    var deadline: UInt64? { [changesAt, refreshAt, reapAt].compactMap(\.self).min() }

    /// A client is there. Once, however many subscriptions it has.
    mutating func join(_ info: ClientInfo, now: UInt64) {
        guard members[info.client]?.info != info else { return }
        // The leave of one that is back was not told yet, or it would not be among those.
        if let back = leaving.removeValue(forKey: info.client)?.member, back.info == info {
            members[info.client] = back
        } else {
            members[info.client] = Member(info: info)
            joining.append(info.client)
        }
        changesAt = changesAt ?? max(now, gathersUntil)
        if refreshAt == nil { refreshAt = now + spread(timing.refresh) }
    }

    mutating func leave(_ client: ExactText, now: UInt64) {
        guard let member = members.removeValue(forKey: client) else { return }
        if members.isEmpty {
            refreshAt = nil
            reapAt = nil
            round = []
        }
        guard member.call != 0 else { return }
        leaving[client] = (member, now)
        changesAt = changesAt ?? max(now, gathersUntil)
    }

    /// What is due.
    mutating func work(now: UInt64) -> [Work] {
        var work: [Work] = []
        if let at = changesAt, at <= now {
            work = changes(now: now)
        }
        if let at = refreshAt, at <= now { work += refresh(now: now) }
        if let at = reapAt, at <= now {
            // The answer says when next; without one, this does.
            reapAt = now + spread(timing.refresh)
            work.append(.reap)
        }
        return work
    }

    /// All that waits to be told, at once.
    mutating func changes(now: UInt64) -> [Work] {
        changesAt = nil
        gathersUntil = now + Self.gatherMicroseconds
        var work = batches(Array(leaving.keys)).map(Work.leave)
        for (client, entry) in leaving { told[client] = entry.since }
        leaving = [:]
        for isReturning in [false, true] {
            let infos = joining.compactMap { client -> ClientInfo? in
                guard let member = members[client], member.call == 0, member.isReturning == isReturning else {
                    return nil
                }
                return member.info
            }
            for batch in batches(infos) {
                for info in batch { members[info.client]?.call = nextCall }
                work.append(.join(batch, returning: isReturning, call: nextCall))
                nextCall &+= 1
                if nextCall == 0 { nextCall = 1 }
            }
        }
        joining = []
        return work
    }

    /// The store's answer to a join. Where there is none, it is told again.
    mutating func joinAnswered(_ call: UInt32, clients: [ExactText], isDone: Bool, now: UInt64) {
        for client in clients where members[client]?.call == call {
            if isDone {
                members[client]?.isConfirmed = true
                members[client]?.isReturning = true
            } else {
                members[client]?.call = 0
                joining.append(client)
            }
        }
        if !isDone { changesAt = min(changesAt ?? .max, now + spread(timing.retry)) }
    }

    /// The store's answer to a leave. Where there is none it is told again, as long as their time has not run out.
    mutating func leaveAnswered(_ clients: [ExactText], isDone: Bool, now: UInt64) {
        for client in clients {
            guard let since = told.removeValue(forKey: client), !isDone, members[client] == nil,
                leaving[client] == nil, now < since + timing.ttl.microseconds
            else { continue }
            leaving[client] = (Member(info: ClientInfo(client: client), call: 1), since)
        }
        if !leaving.isEmpty, !isDone { changesAt = min(changesAt ?? .max, now + spread(timing.retry)) }
    }

    /// The store's answer to a refresh. It lost these: it is told again of those that are still here.
    mutating func refreshAnswered(missing clients: [ExactText], now: UInt64) {
        for client in clients where members[client]?.isConfirmed == true {
            members[client]?.isConfirmed = false
            members[client]?.call = 0
            joining.append(client)
            changesAt = now
        }
    }

    /// There was no answer to a refresh.
    mutating func refreshFailed(now: UInt64) {
        if !members.isEmpty { refreshAt = min(refreshAt ?? .max, now + spread(timing.retry)) }
    }

    /// A round begins soon, from its start.
    mutating func refreshSoon(now: UInt64) {
        guard !members.isEmpty else { return }
        round = []
        refreshAt = now + UInt64.random(in: 0...timing.retry.microseconds)
    }

    /// The store said when the first member's time runs out: soon after that somebody has to look.
    mutating func expires(in left: Duration?, now: UInt64) {
        guard !members.isEmpty else { return }
        reapAt = left.map { now + $0.microseconds + UInt64.random(in: 0...timing.reapSpread.microseconds) }
    }

    /// A part of a round: many members are not refreshed all at once, but over half of the time between two rounds.
    private mutating func refresh(now: UInt64) -> [Work] {
        if round.isEmpty {
            round = members.values.filter(\.isConfirmed).map(\.info.client)
            let parts = max(1, Int(timing.refresh.microseconds / 2 / Self.partMicroseconds))
            roundBatch = max(PresenceTiming.batch, (round.count + parts - 1) / parts)
        }
        let part = round.suffix(roundBatch).filter { members[$0] != nil }
        round.removeLast(min(roundBatch, round.count))
        refreshAt = now + (round.isEmpty ? spread(timing.refresh) : Self.partMicroseconds)
        return batches(part).map(Work.refresh)
    }

    /// The first change is told at once, those of the next tick of the wheel together.
    private static let gatherMicroseconds: UInt64 = 100_000
    /// Between two parts of a round: a tick of the wheel.
    private static let partMicroseconds: UInt64 = 100_000

    /// Nine tenths of a time up to all of it, so that what begins together does not stay together.
    private func spread(_ time: Duration) -> UInt64 {
        time.microseconds - UInt64.random(in: 0...time.microseconds / 10)
    }

    private func batches<Element>(_ elements: [Element]) -> [[Element]] {
        stride(from: 0, to: elements.count, by: PresenceTiming.batch).map {
            Array(elements[$0..<min($0 + PresenceTiming.batch, elements.count)])
        }
    }
}
