import FanfareCore
import FanfareWire
import Support
import Testing

@testable import FanfareRedis

@Suite("Subscription book")
struct SubscriptionBookTests {
    private let a = try! ChannelName("a")

    private func tickets(_ answers: [SubscriptionBook.Answer]) -> [UInt64] {
        answers.compactMap { if case .subscribed(_, let ticket, _) = $0.event { ticket } else { nil } }
    }

    @Test("one SUBSCRIBE serves all receivers, one UNSUBSCRIBE follows the last")
    func sharing() {
        var book = SubscriptionBook()
        book.linkIsUp()
        #expect(book.subscribe(a, receiver: 0, ticket: 1) == nil)
        #expect(book.subscribe(a, receiver: 3, ticket: 2) == nil)
        #expect(book.takeCommands(batch: 10) == [.subscribe([a])])
        #expect(book.takeCommands(batch: 10).isEmpty)
        #expect(tickets(book.confirmed(a)) == [1, 2])
        #expect(book.receivers(of: a) == 0b1001)
        #expect(book.subscribe(a, receiver: 1, ticket: 3).map { tickets([$0]) } == [3], "in force already")
        for receiver in [0, 1, 3] { book.unsubscribe(a, receiver: receiver) }
        #expect(book.takeCommands(batch: 10) == [.unsubscribe([a])])
        #expect(book.wantedCount == 0 && book.isSettled)
    }

    @Test("an answer to an earlier SUBSCRIBE does not confirm a later one")
    func inFlight() {
        var book = SubscriptionBook()
        book.linkIsUp()
        _ = book.subscribe(a, receiver: 0, ticket: 1)
        #expect(book.takeCommands(batch: 10) == [.subscribe([a])])
        book.unsubscribe(a, receiver: 0)
        #expect(book.takeCommands(batch: 10) == [.unsubscribe([a])])
        _ = book.subscribe(a, receiver: 0, ticket: 2)
        #expect(book.takeCommands(batch: 10) == [.subscribe([a])])
        #expect(tickets(book.confirmed(a)).isEmpty)
        #expect(tickets(book.confirmed(a)) == [2])
    }

    @Test("without a link a wish is refused at once; what was in force comes back with the next link")
    func outage() {
        var book = SubscriptionBook()
        guard case .subscribeFailed(_, 1, .unavailable)? = book.subscribe(a, receiver: 0, ticket: 1)?.event else {
            Issue.record("not refused")
            return
        }
        book.linkIsUp()
        _ = book.subscribe(a, receiver: 0, ticket: 2)
        _ = book.takeCommands(batch: 10)
        _ = book.confirmed(a)
        let b = try! ChannelName("b")
        _ = book.subscribe(b, receiver: 0, ticket: 3)
        _ = book.takeCommands(batch: 10)
        let lost = book.linkIsLost()
        #expect(lost.count == 1)
        guard case .subscribeFailed(b, 3, .unavailable)? = lost.first?.event else {
            Issue.record("b not told")
            return
        }
        book.linkIsUp()
        #expect(book.takeCommands(batch: 10) == [.subscribe([a])])
        #expect(!book.isSettled)
        _ = book.confirmed(a)
        #expect(book.isSettled && book.wantedCount == 1)
    }

    @Test("what is adopted needs no answer and survives an outage")
    func adoption() {
        var book = SubscriptionBook()
        book.adopt(a, receiver: 1)
        #expect(book.takeCommands(batch: 10).isEmpty && book.wantedCount == 1)
        book.linkIsUp()
        #expect(book.takeCommands(batch: 10) == [.subscribe([a])])
        #expect(book.linkIsLost().isEmpty)
        book.linkIsUp()
        #expect(book.takeCommands(batch: 10) == [.subscribe([a])])
        #expect(book.confirmed(a).isEmpty && book.isSettled)
        #expect(book.receivers(of: a) == 0b10)
    }

    @Test("what Redis ended is asked for at once, what it refused when it is time, if it is still wanted")
    func endedAndRefused() throws {
        var book = SubscriptionBook()
        let b = try ChannelName("b")
        book.linkIsUp()
        for (channel, ticket) in [(a, UInt64(1)), (b, 2)] { _ = book.subscribe(channel, receiver: 0, ticket: ticket) }
        _ = book.takeCommands(batch: 10)
        _ = book.confirmed(a)
        _ = book.confirmed(b)
        book.ended(a)
        book.ended(b)
        #expect(book.takeCommands(batch: 10) == [.subscribe([a, b])])
        book.refused(a)
        book.refused(b)
        #expect(book.takeCommands(batch: 10).isEmpty && !book.isSettled)
        book.unsubscribe(b, receiver: 0)
        #expect(book.takeCommands(batch: 10).isEmpty, "Redis has it no more")
        book.retry()
        #expect(book.takeCommands(batch: 10) == [.subscribe([a])])
        _ = book.confirmed(a)
        #expect(book.isSettled && book.wantedCount == 1)
    }

    @Test("commands come in batches")
    func batches() {
        var book = SubscriptionBook()
        book.linkIsUp()
        for number in 0..<25 { _ = book.subscribe(try! ChannelName("c\(number)"), receiver: 0, ticket: UInt64(number)) }
        let sizes = book.takeCommands(batch: 10).map { command in
            if case .subscribe(let channels) = command { channels.count } else { 0 }
        }
        #expect(sizes == [10, 10, 5])
    }

    @Test("random wishes and answers end as wanted", arguments: 0..<300)
    func model(seed: Int) {
        var random = SeededRandom(seed: UInt64(seed))
        var book = SubscriptionBook()
        book.linkIsUp()
        let channels = (0..<4).map { try! ChannelName("c\($0)") }
        var wanted: [ChannelName: UInt64] = [:]
        var open: [UInt64: ChannelName] = [:]
        var redis: Set<ChannelName> = []
        var replies: [ChannelName] = []
        var ticket: UInt64 = 0
        func send() {
            for command in book.takeCommands(batch: 3) {
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
        func take(_ answers: [SubscriptionBook.Answer]) {
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
                if let answer = book.subscribe(channel, receiver: receiver, ticket: ticket) { take([answer]) }
            case 1 where wanted[channel, default: 0] & bit != 0:
                wanted[channel, default: 0] &= ~bit
                book.unsubscribe(channel, receiver: receiver)
                // Withdrawn wishes may stay without an answer.
                open = open.filter { $0.value != channel || wanted[channel] != 0 }
            case 2: send()
            default: if !replies.isEmpty { take(book.confirmed(replies.removeFirst())) }
            }
        }
        send()
        while !replies.isEmpty { take(book.confirmed(replies.removeFirst())) }
        #expect(redis == Set(wanted.filter { $0.value != 0 }.keys))
        #expect(book.isSettled)
        for (channel, mask) in wanted { #expect(book.receivers(of: channel) == mask) }
    }
}
