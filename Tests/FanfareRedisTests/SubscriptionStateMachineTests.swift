import FanfareCore
import FanfareTestKit
import FanfareWire
import Testing

@testable import FanfareRedis

@Suite("Subscriptions of a link")
struct SubscriptionStateMachineTests {
    private let a = try! ChannelName("a")

    private func tickets(_ answers: [SubscriptionStateMachine.Answer]) -> [UInt64] {
        answers.compactMap { if case .subscribed(_, let ticket, _) = $0.event { ticket } else { nil } }
    }

    @Test("one SUBSCRIBE serves all receivers, one UNSUBSCRIBE follows the last")
    func sharing() {
        var subscriptions = SubscriptionStateMachine()
        subscriptions.linkIsUp()
        #expect(subscriptions.subscribe(a, receiver: 0, ticket: 1) == nil)
        #expect(subscriptions.subscribe(a, receiver: 3, ticket: 2) == nil)
        #expect(subscriptions.takeCommands(batch: 10) == [.subscribe([a])])
        #expect(subscriptions.takeCommands(batch: 10).isEmpty)
        #expect(tickets(subscriptions.confirmed(a)) == [1, 2])
        #expect(subscriptions.receivers(of: a) == 0b1001)
        #expect(subscriptions.subscribe(a, receiver: 1, ticket: 3).map { tickets([$0]) } == [3], "in force already")
        for receiver in [0, 1, 3] { subscriptions.unsubscribe(a, receiver: receiver) }
        #expect(subscriptions.takeCommands(batch: 10) == [.unsubscribe([a])])
        #expect(subscriptions.wantedCount == 0 && subscriptions.isSynchronized)
    }

    @Test("an answer to an earlier SUBSCRIBE does not confirm a later one")
    func inFlight() {
        var subscriptions = SubscriptionStateMachine()
        subscriptions.linkIsUp()
        _ = subscriptions.subscribe(a, receiver: 0, ticket: 1)
        #expect(subscriptions.takeCommands(batch: 10) == [.subscribe([a])])
        subscriptions.unsubscribe(a, receiver: 0)
        #expect(subscriptions.takeCommands(batch: 10) == [.unsubscribe([a])])
        _ = subscriptions.subscribe(a, receiver: 0, ticket: 2)
        #expect(subscriptions.takeCommands(batch: 10) == [.subscribe([a])])
        #expect(tickets(subscriptions.confirmed(a)).isEmpty)
        #expect(tickets(subscriptions.confirmed(a)) == [2])
    }

    @Test("without a link a wish is refused at once; what was in force comes back with the next link")
    func outage() {
        var subscriptions = SubscriptionStateMachine()
        guard case .subscribeFailed(_, 1, .unavailable)? = subscriptions.subscribe(a, receiver: 0, ticket: 1)?.event
        else {
            Issue.record("not refused")
            return
        }
        subscriptions.linkIsUp()
        _ = subscriptions.subscribe(a, receiver: 0, ticket: 2)
        _ = subscriptions.takeCommands(batch: 10)
        _ = subscriptions.confirmed(a)
        let b = try! ChannelName("b")
        _ = subscriptions.subscribe(b, receiver: 0, ticket: 3)
        _ = subscriptions.takeCommands(batch: 10)
        let lost = subscriptions.linkIsLost()
        #expect(lost.count == 1)
        guard case .subscribeFailed(b, 3, .unavailable)? = lost.first?.event else {
            Issue.record("b not told")
            return
        }
        subscriptions.linkIsUp()
        #expect(subscriptions.takeCommands(batch: 10) == [.subscribe([a])])
        #expect(!subscriptions.isSynchronized)
        _ = subscriptions.confirmed(a)
        #expect(subscriptions.isSynchronized && subscriptions.wantedCount == 1)
    }

    @Test("what is adopted needs no answer and survives an outage")
    func adoption() {
        var subscriptions = SubscriptionStateMachine()
        subscriptions.adopt(a, receiver: 1)
        #expect(subscriptions.takeCommands(batch: 10).isEmpty && subscriptions.wantedCount == 1)
        subscriptions.linkIsUp()
        #expect(subscriptions.takeCommands(batch: 10) == [.subscribe([a])])
        #expect(subscriptions.linkIsLost().isEmpty)
        subscriptions.linkIsUp()
        #expect(subscriptions.takeCommands(batch: 10) == [.subscribe([a])])
        #expect(subscriptions.confirmed(a).isEmpty && subscriptions.isSynchronized)
        #expect(subscriptions.receivers(of: a) == 0b10)
    }

    @Test("what Redis ended is asked for at once, what it refused when it is time, if it is still wanted")
    func endedAndRefused() throws {
        var subscriptions = SubscriptionStateMachine()
        let b = try ChannelName("b")
        subscriptions.linkIsUp()
        for (channel, ticket) in [(a, UInt64(1)), (b, 2)] {
            _ = subscriptions.subscribe(channel, receiver: 0, ticket: ticket)
        }
        _ = subscriptions.takeCommands(batch: 10)
        _ = subscriptions.confirmed(a)
        _ = subscriptions.confirmed(b)
        subscriptions.ended(a)
        subscriptions.ended(b)
        #expect(subscriptions.takeCommands(batch: 10) == [.subscribe([a, b])])
        subscriptions.refused(a)
        subscriptions.refused(b)
        #expect(subscriptions.takeCommands(batch: 10).isEmpty && !subscriptions.isSynchronized)
        subscriptions.unsubscribe(b, receiver: 0)
        #expect(subscriptions.takeCommands(batch: 10).isEmpty, "Redis has it no more")
        subscriptions.retry()
        #expect(subscriptions.takeCommands(batch: 10) == [.subscribe([a])])
        _ = subscriptions.confirmed(a)
        #expect(subscriptions.isSynchronized && subscriptions.wantedCount == 1)
    }

    @Test("commands come in batches")
    func batches() {
        var subscriptions = SubscriptionStateMachine()
        subscriptions.linkIsUp()
        for number in 0..<25 {
            _ = subscriptions.subscribe(try! ChannelName("c\(number)"), receiver: 0, ticket: UInt64(number))
        }
        let sizes = subscriptions.takeCommands(batch: 10).map { command in
            if case .subscribe(let channels) = command { channels.count } else { 0 }
        }
        #expect(sizes == [10, 10, 5])
    }

    @Test("random wishes and answers end as wanted", arguments: 0..<300)
    func model(seed: Int) {
        var random = SeededRandom(seed: UInt64(seed))
        var subscriptions = SubscriptionStateMachine()
        subscriptions.linkIsUp()
        let channels = (0..<4).map { try! ChannelName("c\($0)") }
        var wanted: [ChannelName: UInt64] = [:]
        var open: [UInt64: ChannelName] = [:]
        var redis: Set<ChannelName> = []
        var replies: [ChannelName] = []
        var ticket: UInt64 = 0
        func send() {
            for command in subscriptions.takeCommands(batch: 3) {
                switch command {
                case .subscribe(let names):
                    for name in names {
                        #expect(redis.insert(name).inserted, "subscribed twice")
                        replies.append(name)
                    }
                case .unsubscribe(let names):
                    for name in names { #expect(redis.remove(name) != nil, "unsubscribed without need") }
                }
            }
        }
        func take(_ answers: [SubscriptionStateMachine.Answer]) {
            for answer in answers {
                if case .subscribed(let name, let ticket, _) = answer.event {
                    #expect(open.removeValue(forKey: ticket) == name)
                    #expect(redis.contains(name))
                }
            }
        }
        for _ in 0..<200 {
            let channel = channels.randomElement(using: &random)!
            let receiver = Int.random(in: 0..<3, using: &random)
            let bit = UInt64(1) << UInt64(receiver)
            switch Int.random(in: 0..<4, using: &random) {
            case 0 where wanted[channel, default: 0] & bit == 0:
                ticket += 1
                open[ticket] = channel
                wanted[channel, default: 0] |= bit
                if let answer = subscriptions.subscribe(channel, receiver: receiver, ticket: ticket) { take([answer]) }
            case 1 where wanted[channel, default: 0] & bit != 0:
                wanted[channel, default: 0] &= ~bit
                subscriptions.unsubscribe(channel, receiver: receiver)
                // Withdrawn wishes may stay without an answer.
                open = open.filter { $0.value != channel || wanted[channel] != 0 }
            case 2: send()
            default: if !replies.isEmpty { take(subscriptions.confirmed(replies.removeFirst())) }
            }
        }
        send()
        while !replies.isEmpty { take(subscriptions.confirmed(replies.removeFirst())) }
        #expect(redis == Set(wanted.filter { $0.value != 0 }.keys))
        #expect(subscriptions.isSynchronized)
        for (channel, mask) in wanted { #expect(subscriptions.receivers(of: channel) == mask) }
    }
}
