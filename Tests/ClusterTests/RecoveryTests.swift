import FanfareTestKit
import Foundation
import Testing

@Suite("Cluster: recovery")
struct RecoveryTests {
    static let namespaces = [
        "--namespaces",
        "chat: history=50/10m recovery; price: history=1/1h recovery=cache; news: history=5/1m publish=nobody; "
            + "team: publish=subscribers max-message-bytes=10; *: publish=clients",
    ]

    /// Runs `body` with two nodes on one Redis, and with a node that stands alone.
    private func withNodes(_ body: (Node, Node) async throws -> Void) async throws {
        try await withRedis { redis in
            try await withNode("one", redis: redis.url, flags: Self.namespaces) { one in
                try await withNode("two", redis: redis.url, flags: Self.namespaces) { two in
                    try await body(one, two)
                }
            }
        }
        try await withNode(flags: Self.namespaces) { node in try await body(node, node) }
    }

    private func refusal(_ port: Int, _ path: String) async throws -> HTTPAnswer {
        do {
            let client = try await WebSocketClient.connect(port, path)
            await client.close()
            throw NotInTime(what: "a refusal of \(path)")
        } catch let refused as WebSocketClient.Refused {
            return refused.answer
        }
    }

    @Test("a client that comes back gets what it missed, once and in order, then live traffic")
    func recovery() async throws {
        try await withNodes { one, two in
            let first = try await one.centrifuge()
            let begun = try await first.subscribe("chat:a", recovering: nil)
            #expect(begun.isRecoverable && begun.offset == 0 && !begun.epoch.isEmpty)
            await first.close()
            for number in 1...5 { try await one.publish("chat:a", "\(number)") }

            let second = try await two.centrifuge()
            let again = try await second.subscribe("chat:a", recovering: begun.position)
            #expect(again.wasRecovering && again.isRecovered && again.offset == 5 && again.epoch == begun.epoch)
            #expect(again.publications.map(\.data) == ["1", "2", "3", "4", "5"])
            #expect(again.publications.map(\.offset) == [1, 2, 3, 4, 5])
            try await one.publish("chat:a", "6")
            let live = try await second.nextPublication()
            #expect(live.data == "6")

            let third = try await two.centrifuge()
            let nothing = try await third.subscribe(
                "chat:a", recovering: #""recover":true,"offset":6,"epoch":"\#(again.epoch)""#)
            #expect(nothing.isRecovered && nothing.publications.isEmpty)
            for client in [second, third] { await client.close() }
        }
    }

    @Test("who missed too much, or comes from another epoch or from the future, is told and goes on")
    func unrecoverable() async throws {
        try await withNodes { one, two in
            for number in 1...60 { try await one.publish("chat:b", "\(number)") }
            let client = try await two.centrifuge()
            let known = try await client.subscribe("chat:b", recovering: nil)
            #expect(known.offset == 60)
            await client.close()
            for (offset, epoch, isRecovered) in [
                (9, known.epoch, false), (10, known.epoch, true), (61, known.epoch, false), (60, "other", false),
                (60, "", false), (0, "", false),
            ] {
                let back = try await two.centrifuge()
                let position = "\"recover\":true,\"offset\":\(offset),\"epoch\":\"\(epoch)\""
                let answer = try await back.subscribe("chat:b", recovering: position)
                #expect(answer.isRecovered == isRecovered, "\(position)")
                #expect(answer.wasRecovering && answer.offset == 60 && answer.epoch == known.epoch)
                #expect(answer.publications.count == (isRecovered ? 50 : 0))
                await back.close()
            }
        }
    }

    @Test("a channel that carries a state gives its newest publication with every subscription")
    func cache() async throws {
        try await withNodes { one, two in
            for number in 1...3 { try await one.publish("price:x", "\(number)") }
            let client = try await two.centrifuge()
            let begun = try await client.subscribe("price:x", recovering: nil)
            #expect(begun.publications.map(\.data) == ["3"])
            try await client.unsubscribe("price:x")
            let same = try await client.subscribe("price:x", recovering: begun.position)
            #expect(same.isRecovered && same.publications.isEmpty)
            try await client.unsubscribe("price:x")
            for number in 4...9 { try await one.publish("price:x", "\(number)") }
            let newer = try await client.subscribe("price:x", recovering: begun.position)
            #expect(newer.isRecovered && newer.publications.map(\.data) == ["9"])
            await client.close()
        }
    }

    @Test("raw clients ask with since and last; a position that is gone closes with 3010")
    func raw() async throws {
        try await withNodes { one, two in
            for number in 1...4 { try await one.publish("chat:r", "\(number)") }
            let newest = try await two.raw("chat:r")
            await newest.close()
            let last = try await WebSocketClient.connect(two.port, "/channels/chat:r/ws?last=2")
            for wanted in ["3", "4"] { #expect(try await last.nextText() == wanted) }
            let position = try #require(last.answer["fanfare-position"])
            #expect(position.hasPrefix("2."))
            let epoch = position.dropFirst(2)
            let since = try await WebSocketClient.connect(two.port, "/channels/chat:r/ws?since=1.\(epoch)")
            for wanted in ["2", "3", "4"] { #expect(try await since.nextText() == wanted) }
            try await one.publish("chat:r", "5")
            for client in [last, since] {
                #expect(try await client.nextText() == "5")
                await client.close()
            }
            let foreign = try await WebSocketClient.connect(two.port, "/channels/chat:r/ws?since=1.other")
            #expect(try await foreign.closeCode() == 3010)
            await foreign.close()
            for (path, status) in [
                ("/channels/chat:r/ws?since=x", 400), ("/channels/chat:r/ws?last=0", 400),
                ("/channels/plain/ws?last=1", 400), ("/channels/nowhere:r/ws", 404),
            ] {
                let answer = try await refusal(two.port, path)
                #expect(answer.status == status, "\(path): \(answer.body)")
            }
        }
    }

    @Test("history over the protocol: pages, positions, and who may")
    func history() async throws {
        try await withNodes { one, two in
            for number in 1...4 { try await one.publish("chat:h", "\(number)") }
            let client = try await two.centrifuge()
            let early = try await client.command(#""history":{"channel":"chat:h","limit":10}"#)
            #expect(early.errorCode == 103)
            try await client.subscribe("chat:h")
            let all = try await client.command(#""history":{"channel":"chat:h","limit":-1}"#)
            #expect(all.text.contains(#""publications":[{"data":1,"offset":1},{"data":2,"offset":2}"#))
            let position = try await client.command(#""history":{"channel":"chat:h"}"#)
            #expect(position.text.contains(#""publications":[]"#) && position.text.contains(#""offset":4"#))
            let newest = try await client.command(#""history":{"channel":"chat:h","limit":1,"reverse":true}"#)
            #expect(newest.text.contains(#""publications":[{"data":4,"offset":4}]"#))
            let foreign = try await client.command(
                #""history":{"channel":"chat:h","limit":1,"since":{"offset":1,"epoch":"zz"}}"#)
            #expect(foreign.errorCode == 112)
            let none = try await client.command(#""history":{"channel":"plain","limit":1}"#)
            #expect(none.errorCode == 108)
            await client.close()
        }
    }

    @Test("the rules of a namespace hold for every way in")
    func rules() async throws {
        try await withNodes { one, _ in
            let client = try await one.centrifuge()
            let unknown = try await client.subscribe("nowhere:a")
            #expect(unknown.errorCode == 102)
            #expect(unknown.text.contains("nowhere"))
            let closed = try await client.publish("news:a", "1")
            #expect(closed.errorCode == 103)
            let outsider = try await client.publish("team:a", "1")
            #expect(outsider.errorCode == 103)
            try await client.subscribe("team:a")
            let member = try await client.publish("team:a", "1")
            #expect(member.errorCode == nil)
            let long = try await client.publish("team:a", "\"0123456789\"")
            #expect(long.errorCode == 106)
            await client.close()
            for (path, status) in [("news:a", 403), ("team:a", 403), ("nowhere:a", 404), ("plain", 200)] {
                let answer = try await HTTP.post(one.port, "/channels/\(path)", "x")
                #expect(answer.status == status, "\(path)")
            }
            let raw = try await one.raw("team:a")
            try await raw.send("01234567890")
            #expect(try await raw.closeCode() == 1009)
            await raw.close()
        }
    }
}
