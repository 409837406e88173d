import FanfareWire
import NIOCore
import Testing

@testable import FanfareCore
@testable import FanfareProtocols

@Suite("STOMP acknowledgements")
struct STOMPAckTests {
    /// A client with a subscription of id `s` to `a`, whose first message is `1-1`.
    private static func client(
        _ mode: String, _ version: STOMPVersion = .v12, _ rules: ChannelRules = ChannelRules(), headers: String = ""
    ) -> STOMPDriver {
        var client = STOMPDriver.connected(version, rules)
        #expect(client.send("SUBSCRIBE\nid:s\ndestination:a\nack:\(mode)\n\(headers)\n^").isEmpty)
        return client
    }

    private static var stream: ChannelRules {
        var rules = ChannelRules()
        rules.history = .init(size: 100, age: .seconds(60))
        return rules
    }

    /// Bodies, with how often each came before.
    private static func bodies(_ heard: [String]) -> [String] {
        heard.map { text in
            let again = text.split(separator: "\n").first { $0.hasPrefix("redelivered:") }.map {
                " \($0.dropFirst(12))"
            }
            return
                "\(text.split(separator: "\n", omittingEmptySubsequences: false).last?.dropLast() ?? "")\(again ?? "")"
        }
    }

    private static func page(_ offsets: ClosedRange<UInt64>, end: UInt64? = nil) throws -> HistoryPage {
        let channel = try ChannelName("a")
        let publications = offsets.map { offset in
            Publication(
                channel: channel, payload: Payload(text: "\(offset)"),
                position: StreamPosition(offset: offset, epoch: "k3vx"))
        }
        let end = end ?? offsets.upperBound
        return HistoryPage(
            publications: publications, position: StreamPosition(offset: end, epoch: "k3vx"),
            isCut: end > offsets.upperBound)
    }

    @Test("a MESSAGE has the header ack since 1.2; before it message-id names it (MESSAGE)")
    func headers() throws {
        var client = Self.client("client")
        #expect(
            try client.publish("a", "x") == [
                "MESSAGE\nsubscription:s\nmessage-id:1-1\nack:1-1\ncontent-length:1\ndestination:a\n\nx^"
            ])
        for version in [STOMPVersion.v10, .v11] {
            var old = Self.client("client", version)
            #expect(
                try old.publish("a", "x") == [
                    "MESSAGE\nsubscription:s\nmessage-id:1-1\ncontent-length:1\ndestination:a\n\nx^"
                ])
            let name = version == .v11 ? "subscription:s\nmessage-id:1-1" : "message-id:1-1"
            #expect(old.send("ACK\n\(name)\nreceipt:r\n\n^") == ["RECEIPT\nreceipt-id:r\n\n^"])
            #expect(old.session.unackedBytes == 0)
        }
        // Beside it another one of ack:auto has none.
        #expect(client.send("SUBSCRIBE\nid:t\ndestination:a\nack:auto\n\n^").isEmpty)
        #expect(try client.publish("a", "y").last?.contains("ack:") == false)
    }

    @Test("ack:client acknowledges all before, too, and ack:client-individual one (SUBSCRIBE ack Header)")
    func modes() throws {
        for (mode, left) in [("client", [4]), ("client-individual", [1, 2, 4])] as [(String, [UInt64])] {
            var client = Self.client(mode)
            for number in 1...4 { #expect(try client.publish("a", "\(number)").count == 1) }
            #expect(client.send("ACK\nid:1-3\n\n^").isEmpty)
            #expect(client.session.subscriptions[0].window?.waiting.map(\.number) == left)
            // Again: nobody minds.
            #expect(client.send("ACK\nid:1-3\n\n^").isEmpty && client.end == nil)
            #expect(client.send("UNSUBSCRIBE\nid:s\n\n^ACK\nid:1-4\n\n^").isEmpty && client.end == nil)
            #expect(client.session.unackedBytes == 0 && client.session.windows == 0)
        }
    }

    @Test("NACK sends again, by the rule of the mode, and not for ever (NACK)")
    func nack() throws {
        var client = Self.client("client-individual")
        for number in 1...3 { _ = try client.publish("a", "\(number)") }
        #expect(Self.bodies(client.send("NACK\nid:1-2\n\n^")) == ["2 1"])
        #expect(Self.bodies(client.send("NACK\nid:1-2\n\n^")) == ["2 2"])
        for _ in 3...STOMPBounds.repetitions { #expect(client.send("NACK\nid:1-2\n\n^").count == 1) }
        #expect(client.send("NACK\nid:1-2\n\n^").isEmpty)
        #expect(client.session.subscriptions[0].window?.waiting.map(\.number) == [1, 3])
        var other = Self.client("client")
        for number in 1...3 { _ = try other.publish("a", "\(number)") }
        #expect(Self.bodies(other.send("NACK\nid:1-2\n\n^")) == ["1 1", "2 1"])
        #expect(other.send("ACK\nid:1-3\n\n^").isEmpty && other.session.unackedBytes == 0)
        var old = Self.client("client", .v10)
        _ = try old.publish("a", "1")
        #expect(old.send("NACK\nmessage-id:1-1\n\n^").first?.contains("NACK is not of STOMP 1.0") == true)
    }

    @Test("what is not acknowledged in time comes again, a bounded number of times, unless the client is behind")
    func timeout() throws {
        var client = Self.client("client")
        _ = try client.publish("a", "1")
        let periods = STOMPSession.Policy.ackPeriods
        #expect(client.wait(periods - 1).isEmpty)
        #expect(client.wait(1, isBehind: true).isEmpty)
        #expect(Self.bodies(client.wait(1)) == ["1 1"])
        #expect(client.wait(periods - 1).isEmpty)
        #expect(Self.bodies(client.wait(1)) == ["1 2"])
        for _ in 3...STOMPBounds.repetitions { #expect(client.wait(periods).count == 1) }
        #expect(client.wait(periods).isEmpty && client.session.unackedBytes == 0)
        // An acknowledged one does not, and nobody looks without such a subscription.
        _ = try client.publish("a", "2")
        #expect(client.send("ACK\nid:1-2\n\n^").isEmpty && client.wait(2 * periods).isEmpty)
        #expect(client.session.ackCheckSeconds != nil)
        #expect(client.send("UNSUBSCRIBE\nid:s\n\n^").isEmpty && client.session.ackCheckSeconds == nil)
    }

    @Test("who acknowledges nothing gets no more than its window, and what is beyond it is read when there is room")
    func window() throws {
        var client = Self.client("client", .v12, Self.stream, headers: "prefetch-count:4\n")
        for number in UInt64(1)...9 {
            #expect(try client.publish("a", "\(number)", offset: number).count == (number <= 4 ? 1 : 0))
        }
        #expect(client.asked.isEmpty)
        // Not for one.
        #expect(client.send("ACK\nid:1-1\n\n^").isEmpty && client.asked.isEmpty)
        #expect(client.send("ACK\nid:1-3\n\n^").isEmpty)
        let channel = try ChannelName("a")
        let query = HistoryQuery(
            since: StreamPosition(offset: 4, epoch: "k3vx"), limit: 3, maxBytes: client.session.ackBudget)
        #expect(client.asked == [.history(channel, query, id: 1)])
        // What comes meanwhile is behind it.
        #expect(try client.publish("a", "10", offset: 10).isEmpty)
        let read = try Self.page(5...7, end: 9)
        #expect(Self.bodies(client.answer { $0.read(id: 1, .success(read)) }) == ["5", "6", "7"])
        #expect(client.send("ACK\nid:1-7\n\n^").isEmpty && client.asked.count == 2)
        let last = try Self.page(8...11)
        #expect(Self.bodies(client.answer { $0.read(id: 1, .success(last)) }) == ["8", "9", "10", "11"])
        #expect(client.send("ACK\nid:1-11\n\n^").isEmpty && client.asked.count == 2)
        // It is at the end: 11 came already, 12 is live.
        #expect(try client.publish("a", "11", offset: 11).isEmpty)
        #expect(try Self.bodies(client.publish("a", "12", offset: 12)) == ["12"])
    }

    @Test("what followed and is lost is an ERROR, and so is a history that can't be read")
    func lost() throws {
        for isLost in [true, false] {
            var client = Self.client("client", .v12, Self.stream, headers: "prefetch-count:1\n")
            for number in UInt64(1)...3 { _ = try client.publish("a", "\(number)", offset: number) }
            #expect(client.send("ACK\nid:1-1\n\n^").isEmpty && client.asked.count == 1)
            let page = try Self.page(3...3)
            let heard = client.answer { $0.read(id: 1, isLost ? .success(page) : .failure(.unavailable)) }
            #expect(heard.first?.hasPrefix("ERROR\n") == true)
            #expect(client.end == (isLost ? .insufficientState : .tryAgainLater))
        }
    }

    @Test("where no history keeps what there is no room for, the client ends as a slow one")
    func overrun() throws {
        var client = Self.client("client", headers: "prefetch-count:2\n")
        for number in 1...2 { #expect(try client.publish("a", "\(number)").count == 1) }
        #expect(try client.publish("a", "3").isEmpty && client.session.hasCommands)
        client.goOn()
        #expect(client.end == .slow)
    }

    @Test("all windows of a client together are bounded in bytes")
    func bytes() throws {
        var client = Self.client("client", .v12, Self.stream)
        #expect(client.send("SUBSCRIBE\nid:t\ndestination:b\nack:client\n\n^").isEmpty)
        let text = String(repeating: "x", count: 65_536)
        var (heard, offset) = (0, UInt64(0))
        for _ in 0..<20 {
            offset += 1
            heard +=
                try client.publish("a", text, offset: offset).count + client.publish("b", text, offset: offset).count
        }
        #expect(heard == 8 && client.session.unackedBytes < 8 * 66_000)
        #expect(client.send("ACK\nid:2-4\n\n^").isEmpty && client.asked.isEmpty)
        #expect(client.send("ACK\nid:1-4\n\n^").isEmpty && client.session.unackedBytes == 0)
        // Both are read on; a client's reads come one after the other.
        #expect(client.asked.count == 2)
    }

    @Test("a read waits until it may begin, and frames go on")
    func reads() throws {
        var client = Self.client("client", .v12, Self.stream, headers: "prefetch-count:1\n")
        for number in UInt64(1)...2 { _ = try client.publish("a", "\(number)", offset: number) }
        client.mayRead = false
        #expect(client.send("ACK\nid:1-1\n\n^SEND\ndestination:b\n\nx^").isEmpty)
        #expect(client.asked.count == 1 && client.session.hasCommands)
        client.mayRead = true
        client.goOn()
        #expect(client.asked.count == 2 && !client.session.hasCommands)
    }

    @Test("a subscription that comes back with since begins with its window")
    func since() throws {
        var rules = Self.stream
        rules.recovery = .stream
        var client = STOMPDriver.connected(.v12, rules)
        try client.stream("a", ["1", "2", "3", "4", "5"])
        let heard = client.send(
            "SUBSCRIBE\nid:s\ndestination:a\nack:client\nsince:1.k3vx\nprefetch-count:2\nreceipt:r\n\n^")
        #expect(Self.bodies(Array(heard.dropFirst())) == ["2", "3"])
        #expect(try client.publish("a", "6", offset: 6).isEmpty)
        #expect(client.send("ACK\nid:1-2\n\n^").isEmpty && client.asked.count == 1)
        let page = try Self.page(4...5, end: 6)
        #expect(Self.bodies(client.answer { $0.read(id: 1, .success(page)) }) == ["4", "5"])
    }

    @Test("ACK and NACK may join a transaction, and count with its COMMIT (ACK)")
    func transaction() throws {
        var client = Self.client("client-individual")
        for number in 1...3 { _ = try client.publish("a", "\(number)") }
        let acks = "ACK\nid:1-1\ntransaction:t\n\n^NACK\nid:1-2\ntransaction:t\n\n^"
        #expect(client.send("BEGIN\ntransaction:t\n\n^\(acks)").isEmpty)
        #expect(client.session.subscriptions[0].window?.waiting.count == 3)
        let heard = client.send("COMMIT\ntransaction:t\nreceipt:c\n\n^")
        #expect(Self.bodies([heard[0]]) == ["2 1"] && heard[1] == "RECEIPT\nreceipt-id:c\n\n^")
        #expect(client.session.subscriptions[0].window?.waiting.map(\.number) == [2, 3])
        #expect(client.send("BEGIN\ntransaction:t\n\n^\(acks)ABORT\ntransaction:t\n\n^").isEmpty)
        #expect(client.session.subscriptions[0].window?.waiting.map(\.number) == [2, 3])
    }

    @Test("a channel of which only the newest message waits has no acknowledgements")
    func newest() {
        var rules = ChannelRules()
        rules.queue = .newest
        var client = STOMPDriver.connected(.v12, rules)
        let heard = client.send("SUBSCRIBE\nid:s\ndestination:a\nack:client\n\n^")
        #expect(heard.first?.contains("use ack\\cauto") == true && client.end == .notAvailable)
    }
}
