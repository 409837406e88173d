import FanfareWire

/// Keeps the store told of the members that one event loop has: joins and leaves gathered by channel and time,
/// refreshes before their time runs out, a look for those of dead nodes when there can be any.
///
/// Lives on that event loop; the store's answers come through a mailbox.
public final class PresenceUpdater {
    /// What the store said to a channel's call.
    public struct Answer: Sendable {
        /// As how many events of a turn it counts: each member is looked up in its channel.
        var weight: Int {
            let named =
                switch call {
                case .join(_, let clients), .leave(let clients): clients.count
                case .refresh, .reap: (try? result.get())?.missing.count ?? 0
                }
            return 1 + named / 4
        }

        enum Call {
            case join(UInt32, [ExactText])
            case leave([ExactText])
            case refresh
            case reap
        }

        let channel: ChannelName
        let call: Call
        let result: Result<PresenceChange, BrokerError>
    }

    private let store: any PresenceStore
    private let rules: ChannelRulebook
    private let timing: PresenceTiming
    private let wheel: TimingWheel
    private let answers: Mailbox<Answer>
    private var answered: MailboxReader<Answer>
    private let metrics: LoopMetrics
    private let now: () -> UInt64
    private var channels: [ChannelName: Channel] = [:]
    /// Channels with a change that need not wait for the wheel.
    private var urgent: [Channel] = []

    /// - Parameters:
    ///   - answers: the owner calls ``visitAnswers()`` when something is in it.
    ///   - now: microseconds of the monotonic clock, which is the wheel's.
    public init(
        store: any PresenceStore, rules: ChannelRulebook, wheel: TimingWheel, answers: Mailbox<Answer>,
        metrics: LoopMetrics, now: @escaping () -> UInt64
    ) {
        self.store = store
        self.rules = rules
        self.timing = PresenceTiming(ttl: rules.presenceTTL)
        self.wheel = wheel
        self.answers = answers
        self.answered = MailboxReader(answers)
        self.metrics = metrics
        self.now = now
    }

    /// Channels with members of this loop, or with something left to tell of them.
    public var channelCount: Int { channels.count }

    /// A client's subscription is in force.
    public func joined(_ info: @autoclosure () -> ClientInfo, _ name: ChannelName) {
        guard rules.rules(name)?.keepsMembers == true else { return }
        let channel = channels[name] ?? open(name)
        change(channel) { $0.join(info(), now: $1) }
    }

    /// A client's subscription ended.
    public func left(_ client: ExactText, _ name: ChannelName) {
        guard let channel = channels[name] else { return }
        change(channel) { $0.leave(client, now: $1) }
    }

    /// Tells the store of the changes that need not wait for others. At the end of whatever made them, and before a client
    /// is answered: whoever asks after that sees them.
    public func flush() {
        guard !urgent.isEmpty else { return }
        let (channels, now) = (urgent, now())
        urgent.removeAll(keepingCapacity: channels.count <= 1_024)
        for channel in channels {
            channel.isUrgent = false
            // One that was let go meanwhile may have a successor of its name.
            if self.channels[channel.name] === channel { deadlineReached(channel, now: now) }
        }
    }

    /// Tells the store at once what waits to be told of a channel: before a read, which must see it.
    public func tell(_ name: ChannelName) {
        if let channel = channels[name] { carryOut(channel.machine.changes(now: now()), channel) }
    }

    /// The store was away and may have lost members: all are refreshed soon, spread over a few seconds.
    public func refreshSoon() {
        for channel in Array(channels.values) { change(channel) { $0.refreshSoon(now: $1) } }
    }

    /// Tells the store of all channels at once: the node is about to end.
    public func tellAll() {
        for channel in channels.values { carryOut(channel.machine.changes(now: now()), channel) }
    }

    /// Takes the store's answers, one turn's worth. Returns whether these were all.
    @discardableResult
    public func visitAnswers() -> Bool {
        var budget = TurnBudget()
        while !budget.isSpent, let answer = answered.next() {
            budget.spend(events: answer.weight)
            take(answer)
        }
        return answered.end()
    }

    private func take(_ answer: Answer) {
        if let channel = channels[answer.channel] {
            change(channel) { machine, now in
                let outlook = try? answer.result.get()
                switch answer.call {
                case .join(let call, let clients):
                    machine.joinAnswered(call, clients: clients, isDone: outlook != nil, now: now)
                case .leave(let clients): machine.leaveAnswered(clients, isDone: outlook != nil, now: now)
                case .refresh:
                    if let outlook {
                        machine.refreshAnswered(missing: outlook.missing, now: now)
                    } else {
                        machine.refreshFailed(now: now)
                    }
                case .reap: break
                }
                if let outlook { machine.expires(in: outlook.nextExpiry, now: now) }
            }
        }
    }

    fileprivate func deadlineReached(_ channel: Channel, now: UInt64) {
        carryOut(channel.machine.work(now: now), channel)
        schedule(channel, now: now)
    }

    private func open(_ name: ChannelName) -> Channel {
        let channel = Channel(name, PresenceStateMachine(timing: timing), updater: self)
        channels[name] = channel
        return channel
    }

    private func change(_ channel: Channel, _ body: (inout PresenceStateMachine, UInt64) -> Void) {
        let (before, now) = (channel.machine.count, now())
        body(&channel.machine, now)
        metrics.counters.add(.presenceMembers, channel.machine.count - before)
        schedule(channel, now: now)
    }

    /// Sets the channel's next deadline, or lets it go.
    private func schedule(_ channel: Channel, now: UInt64) {
        if channel.machine.isEmpty {
            wheel.cancel(channel)
            channels[channel.name] = nil
        } else if let deadline = channel.machine.deadline {
            wheel.schedule(channel, at: deadline)
            if deadline <= now, !channel.isUrgent {
                channel.isUrgent = true
                urgent.append(channel)
            }
        } else {
            wheel.cancel(channel)
        }
    }

    private func carryOut(_ work: [PresenceStateMachine.Work], _ channel: Channel) {
        for item in work {
            switch item {
            case .join(let members, let returning, let call):
                let clients = members.map(\.client)
                store.join(
                    members, channel.name, returning: returning, completion: answer(channel, .join(call, clients)))
            case .leave(let clients):
                store.leave(clients, channel.name, completion: answer(channel, .leave(clients)))
            case .refresh(let clients):
                store.refresh(clients, channel.name, completion: answer(channel, .refresh))
            case .reap:
                store.reap(channel.name, completion: answer(channel, .reap))
            }
        }
    }

    private func answer(
        _ channel: Channel, _ call: Answer.Call
    ) -> @Sendable (Result<PresenceChange, BrokerError>) -> Void {
        let (answers, name) = (self.answers, channel.name)
        return { answers.post(Answer(channel: name, call: call, result: $0)) }
    }
}

/// A channel in the wheel.
private final class Channel: WheelMember {
    let name: ChannelName
    var machine: PresenceStateMachine
    var wheelPlace = WheelPlace()
    var isUrgent = false
    private unowned let updater: PresenceUpdater

    init(_ name: ChannelName, _ machine: PresenceStateMachine, updater: PresenceUpdater) {
        self.name = name
        self.machine = machine
        self.updater = updater
    }

    func deadlineReached(now: UInt64) { updater.deadlineReached(self, now: now) }
}
