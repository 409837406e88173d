import FanfareCore
import NIOCore
import Testing

@testable import FanfareAuth

@Suite("Tokens: claims")
struct ClaimTests {
    private func claims(_ payload: String) async throws -> ConnectClaims {
        let test = try await VerifierUnderTest()
        let token = try await TestKeys.hmac(payload)
        return try #require(test.claims(token), "\(payload)")
    }

    @Test("a token without a user makes a client without a name")
    func nobody() async throws {
        #expect(try await claims("{}") == ConnectClaims())
    }

    @Test("info leaves as the JSON that it was, on one line")
    func info() async throws {
        let plain = try await claims(#"{"info":{"name" : "Zoë", "n":1.50}}"#)
        #expect(plain.info == ByteBuffer(string: #"{"name" : "Zoë", "n":1.50}"#))
        let lines = try await claims("{\"info\":[1,\n2]}")
        #expect(lines.info == ByteBuffer(string: "[1, 2]"))
        // {"a":1}
        let encoded = try await claims(#"{"b64info":"eyJhIjoxfQ==","info":2}"#)
        #expect(encoded.info == ByteBuffer(string: #"{"a":1}"#))
        let none = try await claims(#"{"info":null}"#)
        #expect(none.info == nil)
    }

    @Test("channels and subs name what the node subscribes; subs win")
    func channels() async throws {
        let list = try await claims(#"{"channels":["a","b"],"subs":{}}"#)
        #expect(list.subscriptions == [ServerSubscription(channel: "a"), ServerSubscription(channel: "b")])
        let map = try await claims(#"{"channels":["a"],"subs":{"c":{"info":7},"d":{}}}"#)
        #expect(
            map.subscriptions == [
                ServerSubscription(channel: "c", info: ByteBuffer(string: "7")), ServerSubscription(channel: "d"),
            ])
    }

    @Test("expire_at wins over exp, and 0 means never")
    func expiry() async throws {
        let exp = TestKeys.now + 10
        #expect(try await claims(#"{"exp":\#(exp)}"#).expiresAt == exp)
        #expect(try await claims(#"{"exp":\#(exp),"expire_at":\#(exp + 5)}"#).expiresAt == exp + 5)
        #expect(try await claims(#"{"exp":\#(exp),"expire_at":0}"#).expiresAt == nil)
    }

    @Test("capabilities are read as they stand")
    func capabilities() async throws {
        let none = try await claims("{}")
        #expect(none.capabilities == nil)
        let empty = try await claims(#"{"caps":[]}"#)
        #expect(empty.capabilities == [])
        let some = try await claims(
            #"{"caps":[{"channels":["a","b*"],"match":"wildcard","allow":["sub","pub"]},{"channels":["c"],"allow":["hst","prs"]}]}"#
        )
        #expect(
            some.capabilities == [
                ChannelCapability(channels: ["a", "b*"], isWildcard: true, allow: [.subscribe, .publish]),
                ChannelCapability(channels: ["c"], allow: [.history, .presence]),
            ])
    }

    @Test("a secret prints nowhere")
    func secrets() {
        var configuration = TokenConfiguration()
        configuration.secrets = [Secret("hunter2")]
        var text = ""
        dump(configuration, to: &text)
        #expect(!text.contains("hunter2") && !"\(configuration)".contains("hunter2"))
        #expect(!String(reflecting: configuration).contains("hunter2"))
    }
}
