import FanfareCore
import FanfareProtocols
import FanfareTestKit
import FanfareWire
import NIOCore
import Testing

@testable import FanfareServer

@Suite("Server API: presence")
struct PresenceAPITests {
    private func with(members: Int, limit: Int = 10, _ body: (AdminPort, NodeMetrics) async throws -> Void) async throws
    {
        let metrics = NodeMetrics(loops: 1)
        var rules = ChannelRules()
        rules.presence = true
        // Nobody refreshes here, and a test may have to wait for its turn.
        let book = ChannelRulebook(
            namespaces: ["room": rules, "none": ChannelRules()], presenceTTL: .seconds(3_600))
        let broker = MemoryBroker(rules: book, formats: FormatTable(), metrics: metrics.broker)
        broker.start(receivers: [])
        let infos = (0..<members).map {
            ClientInfo(client: ExactText("\($0)"), user: "u", connInfo: ByteBuffer(string: #"{"n":1}"#))
        }
        broker.join(infos, try ChannelName("room:1"), returning: false) { _ in }
        var limits = Limits()
        limits.maxAPIPresenceMembers = limit
        var context = AdminContext.forTest(metrics: metrics, limits: limits, broker: broker)
        context.channels = book
        try await withAdminPort(context) { try await body($0, metrics) }
    }

    @Test("members and their numbers read as Centrifugo has them")
    func answers() async throws {
        try await with(members: 1) { admin, metrics in
            let presence = try await admin.request("POST", "/api/presence", #"{"channel":"room:1"}"#)
            #expect(presence.status == 200 && presence["content-type"] == "application/json")
            #expect(
                presence.body
                    == #"{"result":{"presence":{"0":{"user":"u","client":"0","conn_info":{"n":1}}}}}"#)
            let stats = try await admin.request("POST", "/api/presence_stats", #"{"channel":"room:1"}"#)
            #expect(stats.body == #"{"result":{"num_clients":1,"num_users":1}}"#)
            let empty = try await admin.request("POST", "/api/presence", #"{"channel":"room:2"}"#)
            #expect(empty.body == #"{"result":{"presence":{}}}"#)
            #expect(metrics.shared.value(.apiErrors) == 0)
        }
    }

    @Test(
        "what can't be answered has its error",
        arguments: [
            (#"{"channel":"none:1"}"#, 400, 108), (#"{"channel":"what:1"}"#, 400, 102), ("{}", 400, 107),
            (#"{"channel":7}"#, 400, 107), ("[]", 400, 107),
        ])
    func errors(body: String, status: Int, code: Int) async throws {
        try await with(members: 1) { admin, metrics in
            for path in ["/api/presence", "/api/presence_stats"] {
                let answer = try await admin.request("POST", path, body)
                #expect(answer.status == status && answer.body.contains("\"code\":\(code)"), "\(answer.body)")
            }
            #expect(metrics.shared.value(.apiErrors) == 2)
        }
    }

    @Test("more members than the limit are an error, their number is not")
    func limit() async throws {
        try await with(members: 11) { admin, _ in
            let presence = try await admin.request("POST", "/api/presence", #"{"channel":"room:1"}"#)
            #expect(presence.status == 400 && presence.body.contains("\"code\":106"), "\(presence.body)")
            let stats = try await admin.request("POST", "/api/presence_stats", #"{"channel":"room:1"}"#)
            #expect(stats.body == #"{"result":{"num_clients":11,"num_users":1}}"#)
        }
    }

    @Test("members with more bytes than there may be in an answer are counted")
    func bytes() async throws {
        let metrics = NodeMetrics(loops: 1)
        var rules = ChannelRules()
        rules.presence = true
        let book = ChannelRulebook(namespaces: ["room": rules], presenceTTL: .seconds(3_600))
        let broker = MemoryBroker(rules: book, formats: FormatTable(), metrics: metrics.broker)
        broker.start(receivers: [])
        let big = ByteBuffer(string: "\"" + String(repeating: "x", count: 4_000) + "\"")
        let infos = (0..<600).map { ClientInfo(client: ExactText("\($0)"), connInfo: big, chanInfo: big) }
        broker.join(infos, try ChannelName("room:1"), returning: false) { _ in }
        var context = AdminContext.forTest(metrics: metrics, broker: broker)
        context.channels = book
        try await withAdminPort(context) { admin in
            let answer = try await admin.request("POST", "/api/presence", #"{"channel":"room:1"}"#)
            #expect(answer.status == 400 && answer.body.contains(#""code":106"#), "\(answer.body)")
            #expect(answer.body.contains("600 members have more than 4194304 bytes"), "\(answer.body)")
        }
    }
}
