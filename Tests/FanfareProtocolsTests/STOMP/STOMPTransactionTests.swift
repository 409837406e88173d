import FanfareWire
import Testing

@testable import FanfareCore
@testable import FanfareProtocols

@Suite("STOMP transactions")
struct STOMPTransactionTests {
    private static func channels(_ actions: [SessionAction]) -> [String] {
        actions.compactMap { action in
            guard case .publish(let channel, let payload, _, _) = action else { return nil }
            return "\(channel) \(String(buffer: payload.bytes))"
        }
    }

    private static func ids(_ actions: [SessionAction]) -> [UInt32] {
        actions.compactMap { action in
            guard case .publish(_, _, _, let id) = action else { return nil }
            return id
        }
    }

    @Test(
        "what a transaction holds is published with its COMMIT, in order, and its receipt follows all outcomes (BEGIN)")
    func commit() {
        var client = STOMPDriver.connected()
        #expect(client.send("BEGIN\ntransaction:t\nreceipt:b\n\n^") == ["RECEIPT\nreceipt-id:b\n\n^"])
        #expect(client.send("SEND\ndestination:a\ntransaction:t\nreceipt:1\n\n1^") == ["RECEIPT\nreceipt-id:1\n\n^"])
        #expect(client.send("SEND\ndestination:b\ntransaction:t\n\n2^SEND\ndestination:c\n\nfree^").isEmpty)
        #expect(Self.channels(client.asked) == ["c free"])
        #expect(client.send("COMMIT\ntransaction:t\nreceipt:c\n\n^SEND\ndestination:a\n\n3^").isEmpty)
        #expect(Self.channels(client.asked) == ["c free", "a 1", "b 2", "a 3"])
        let ids = Self.ids(client.asked)
        #expect(client.answer { $0.published(id: ids[2], .success(PublishReceipt())) }.isEmpty)
        #expect(
            client.answer { $0.published(id: ids[1], .success(PublishReceipt())) } == ["RECEIPT\nreceipt-id:c\n\n^"])
        // The id may be used again.
        #expect(client.send("BEGIN\ntransaction:t\n\n^COMMIT\ntransaction:t\nreceipt:d\n\n^").count == 1)
        #expect(client.session.commits.isEmpty && client.session.transactions.count == 0)
    }

    @Test("what is aborted is never published, nor what a DISCONNECT leaves open (ABORT)")
    func abort() {
        var client = STOMPDriver.connected()
        #expect(client.send("BEGIN\ntransaction:t\n\n^SEND\ndestination:a\ntransaction:t\n\n1^").isEmpty)
        #expect(client.session.transactions.bytes > 0)
        #expect(client.send("ABORT\ntransaction:t\nreceipt:r\n\n^") == ["RECEIPT\nreceipt-id:r\n\n^"])
        #expect(client.session.transactions.bytes == 0)
        #expect(client.send("BEGIN\ntransaction:u\n\n^SEND\ndestination:a\ntransaction:u\n\n1^").isEmpty)
        #expect(client.send("DISCONNECT\nreceipt:d\n\n^") == ["RECEIPT\nreceipt-id:d\n\n^"])
        #expect(client.asked.isEmpty && client.end == .normal && client.session.transactions.bytes == 0)
    }

    @Test("a failure of one publication is one of the COMMIT, and the connection ends")
    func failure() {
        var client = STOMPDriver.connected()
        let sends = "SEND\ndestination:a\ntransaction:t\n\n1^SEND\ndestination:b\ntransaction:t\n\n2^"
        #expect(client.send("BEGIN\ntransaction:t\n\n^\(sends)COMMIT\ntransaction:t\nreceipt:c\n\n^").isEmpty)
        let ids = Self.ids(client.asked)
        #expect(client.answer { $0.published(id: ids[0], .success(PublishReceipt())) }.isEmpty)
        let heard = client.answer { $0.published(id: ids[1], .failure(.unavailable)) }
        #expect(heard.first?.hasPrefix("ERROR\nmessage:COMMIT\\c not all of it is confirmed") == true)
        #expect(heard.first?.contains("\nreceipt-id:c\n") == true && client.end == .tryAgainLater)
    }

    @Test("nothing is published where a part of it may not be any more")
    func permission() throws {
        var rules = ChannelRules()
        rules.publish = .subscribers
        var client = STOMPDriver.connected(.v12, rules)
        let sends = "SEND\ndestination:a\ntransaction:t\n\n1^SEND\ndestination:b\ntransaction:t\n\n2^"
        let subscribe = "SUBSCRIBE\nid:1\ndestination:a\n\n^SUBSCRIBE\nid:2\ndestination:b\n\n^"
        #expect(client.send("\(subscribe)BEGIN\ntransaction:t\n\n^\(sends)").isEmpty)
        let heard = client.send("UNSUBSCRIBE\nid:2\n\n^COMMIT\ntransaction:t\n\n^")
        #expect(heard.first?.contains("permission denied") == true && client.asked.isEmpty)
        // What may not be at all is refused at once.
        var other = STOMPDriver.connected(.v12, rules)
        #expect(other.send("BEGIN\ntransaction:t\n\n^\(sends)").first?.contains("permission denied") == true)
    }

    @Test("transactions are bounded in number, frames and bytes, before anything is kept")
    func bounds() {
        var many = STOMPDriver.connected()
        for number in 0..<STOMPBounds.transactions { #expect(many.send("BEGIN\ntransaction:\(number)\n\n^").isEmpty) }
        #expect(many.send("BEGIN\ntransaction:x\n\n^").first?.contains("a client may have 16 transactions") == true)
        #expect(many.end == .policyViolation)
        // The driver's messages have 1,000 bytes.
        for (body, most) in [(String(repeating: "x", count: 900), 3), ("", 15)] {
            var client = STOMPDriver.connected()
            _ = client.send("BEGIN\ntransaction:t\n\n^BEGIN\ntransaction:u\n\n^")
            for number in 0..<most {
                let id = number % 2 == 0 ? "t" : "u"
                #expect(client.send("SEND\ndestination:a\ntransaction:\(id)\n\n\(body)^").isEmpty)
            }
            let heard = client.send("SEND\ndestination:a\ntransaction:t\n\n\(body)^")
            #expect(heard.first?.contains("transactions hold at most 512 frames and 4000 bytes") == true)
            #expect(client.end == .policyViolation && client.asked.isEmpty)
        }
        var long = STOMPDriver.connected()
        let id = String(repeating: "x", count: STOMPBounds.transactionIDBytes + 1)
        #expect(long.send("BEGIN\ntransaction:\(id)\n\n^").first?.contains("at most 256 bytes") == true)
    }

    @Test("of a client that is gone, what it committed is published, and what it did not is not")
    func gone() {
        var client = STOMPDriver.connected()
        client.holdsFrames = true
        let sends = "BEGIN\ntransaction:t\n\n^SEND\ndestination:a\ntransaction:t\n\n1^"
        #expect(client.send("\(sends)COMMIT\ntransaction:t\n\n^\(sends)SUBSCRIBE\nid:1\ndestination:a\n\n^").isEmpty)
        client.session.keepPublications()
        client.goOn()
        #expect(Self.channels(client.asked) == ["a 1"] && client.joined.isEmpty && client.end == nil)
    }
}
