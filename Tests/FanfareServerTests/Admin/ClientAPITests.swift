import FanfareCore
import FanfareProtocols
import FanfareTestKit
import FanfareWire
import NIOCore
import Synchronization
import Testing

@testable import FanfareServer

@Suite("Server API: clients")
struct ClientAPITests {
    private static let id = ClientID.make(node: .random(), loop: 1)

    /// What reached the cluster.
    private final class Sent: Sendable {
        let commands = Mutex<[(ClientCommand, CommandTarget)]>([])
        var last: (command: ClientCommand, target: CommandTarget)? { commands.withLock { $0.last } }
        var count: Int { commands.withLock(\.count) }
    }

    /// An admin port of a cluster that answers each command with `result`.
    private func with(
        _ result: Result<CommandRelay.Outcome, ControlError> = .success(
            CommandRelay.Outcome(count: CommandCount(done: 2), nodes: 3)),
        _ body: (AdminPort, Sent, NodeMetrics) async throws -> Void
    ) async throws {
        let (metrics, sent) = (NodeMetrics(loops: 1), Sent())
        var context = AdminContext.forTest(metrics: metrics)
        var kept = ChannelRules()
        kept.history = ChannelRules.Retention(size: 9, age: .seconds(60))
        (kept.recovery, kept.presence) = (.stream, true)
        context.channels = ChannelRulebook(namespaces: ["kept": kept])
        context.command = { command, target, completion in
            sent.commands.withLock { $0.append((command, target)) }
            completion(result)
        }
        try await withAdminPort(context) { try await body($0, sent, metrics) }
    }

    @Test("requests become commands, and answers say for how many clients, on how many nodes")
    func commands() async throws {
        let (a, kept) = (try ChannelName("a"), try ChannelName("kept:a"))
        let banned = Disconnect.application(try #require(ApplicationDisconnect(code: 4_500, reason: "banned")))
        let id = Self.id
        let cases: [(String, String, ClientCommand)] = [
            ("subscribe", #""channel":"a""#, .subscribe(CommandedSubscription(channel: a))),
            (
                "subscribe",
                #""channel":"kept:a","info":{"n":1},"data":[1],"expire_at":9,"recover_since":{"offset":7,"epoch":"x"}"#,
                .subscribe(
                    CommandedSubscription(
                        channel: kept, info: ByteBuffer(string: #"{"n":1}"#), data: Payload(text: "[1]"), expiresAt: 9,
                        since: StreamPosition(offset: 7, epoch: "x")))
            ),
            (
                "subscribe", #""channel":"a","b64info":"eyJuIjoxfQ==","b64data":"/wA=","info":7"#,
                .subscribe(
                    CommandedSubscription(
                        channel: a, info: ByteBuffer(string: #"{"n":1}"#),
                        data: Payload(kind: .binary, bytes: ByteBuffer(bytes: [255, 0]))))
            ),
            (
                "subscribe",
                #""channel":"kept:a","override":{"presence":{"value":true},"join_leave":{"value":false},"force_recovery":null}"#,
                .subscribe(CommandedSubscription(channel: kept))
            ),
            ("unsubscribe", #""channel":"a""#, .unsubscribe(a)),
            ("disconnect", #""session":"""#, .disconnect(.forced)),
            ("disconnect", #""disconnect":{"code":0,"reason":""}"#, .disconnect(.forced)),
            ("disconnect", #""disconnect":{"reason":"bye"}"#, .disconnect(.forced, reason: "bye")),
            (
                "disconnect", #""disconnect":{"code":4500,"reason":"banned"},"whitelist":["\#(id)"]"#,
                .disconnect(banned, reason: "banned", except: [id])
            ),
            (
                "disconnect", #""disconnect":{"code":3011,"reason":"moved"}"#,
                .disconnect(.forcedReconnect, reason: "moved")
            ),
            ("refresh", #""expire_at":1800000000"#, .refresh(expiresAt: 1_800_000_000)),
            ("refresh", #""info":{"n":2}"#, .refresh(expiresAt: nil, info: ByteBuffer(string: #"{"n":2}"#))),
            ("refresh", #""expired":true"#, .disconnect(.expired)),
            ("refresh", #""expire_at":1"#, .disconnect(.expired)),
        ]
        try await with { admin, sent, metrics in
            for (method, fields, command) in cases {
                for (target, user, client) in [
                    (#""user":"42""#, "42", nil), (#""client":"\#(id)""#, nil, id),
                    (#""user":"42","client":"\#(id)""#, "42", id),
                ] as [(String, ExactText?, ClientID?)] {
                    let answer = try await admin.request("POST", "/api/\(method)", "{\(target),\(fields)}")
                    #expect(
                        answer.status == 200 && answer.body == #"{"result":{"num_clients":2,"num_nodes":3}}"#,
                        "\(fields): \(answer.body)")
                    #expect(
                        sent.last?.command == command && sent.last?.target == CommandTarget(user: user, client: client))
                }
            }
            #expect(metrics.shared.value(.apiErrors) == 0)
        }
    }

    @Test("what is wrong is said, and nothing is sent")
    func errors() async throws {
        let wrong: [(String, String, Int, String)] = [
            ("subscribe", #""channel":"a""#, 107, "'user' or 'client' must be there"),
            ("disconnect", #""user":"","client":"""#, 107, "'user' or 'client' must be there"),
            ("disconnect", #""user":42"#, 107, "'user' must be a string"),
            ("disconnect", #""client":"42""#, 107, "'client' is no client id"),
            ("disconnect", #""user":"42","session":"x""#, 108, "'session' is not available here"),
            ("subscribe", #""user":"42""#, 107, "'channel' must be a string"),
            ("subscribe", #""user":"42","channel":"a b""#, 107, "U+0020"),
            ("unsubscribe", #""user":"42","channel":"what:a""#, 102, "unknown namespace"),
            ("subscribe", #""user":"42","channel":"a","b64info":"!""#, 107, "'b64info' must be a string of Base64"),
            ("subscribe", #""user":"42","channel":"a","b64info":"eA==""#, 107, "info must be JSON"),
            ("subscribe", #""user":"42","channel":"a","expire_at":-1"#, 107, "'expire_at' must be a number"),
            ("subscribe", #""user":"42","channel":"a","expire_at":1e3"#, 107, "'expire_at' must be a number"),
            ("subscribe", #""user":"42","channel":"a","recover_since":{}"#, 108, "has no recovery"),
            ("subscribe", #""user":"42","channel":"kept:a","recover_since":{"offset":-1}"#, 107, "'recover_since'"),
            ("subscribe", #""user":"42","channel":"kept:a","recover_since":{"ofset":1}"#, 107, "'recover_since.ofset'"),
            (
                "subscribe", #""user":"42","channel":"kept:a","recover_since":{"offset":1,"epoch":"0123456789abcdef"}"#,
                107, "'recover_since.epoch' has 16 bytes"
            ),
            (
                "subscribe", #""user":"42","channel":"a","override":{"presence":{"value":true}}"#, 108,
                "'override.presence'"
            ),
            ("subscribe", #""user":"42","channel":"a","override":{"presence":true}"#, 107, "'override.presence'"),
            ("subscribe", #""user":"42","channel":"a","override":{"presense":null,"x":1}"#, 107, "'override.x'"),
            ("disconnect", #""user":"42","disconnect":7"#, 107, "'disconnect' must be an object"),
            ("disconnect", #""user":"42","disconnect":{"code":"x"}"#, 107, "'disconnect' must have a number"),
            (
                "disconnect", #""user":"42","disconnect":{"code":3008}"#, 107,
                "'disconnect.code' must be from 4000 to 4999"
            ),
            (
                "disconnect", #""user":"42","disconnect":{"code":70000}"#, 107,
                "'disconnect.code' must be from 4000 to 4999"
            ),
            (
                "disconnect",
                #""user":"42","disconnect":{"code":4000,"reason":"\#(String(repeating: "é", count: 62))"}"#, 107,
                "124 bytes"
            ),
            ("disconnect", #""user":"42","whitelist":"x""#, 107, "'whitelist' must be an array"),
            ("disconnect", #""user":"42","whitelist":["x"]"#, 107, "'whitelist' must be an array of client ids"),
            ("refresh", #""user":"42","expired":1"#, 107, "'expired' must be true or false"),
            (
                "refresh",
                #""user":"42","info":\#(String(repeating: "[", count: 65) + String(repeating: "]", count: 65))"#, 107,
                "deep"
            ),
        ]
        try await with { admin, sent, metrics in
            for (method, fields, code, message) in wrong {
                let answer = try await admin.request("POST", "/api/\(method)", "{\(fields)}")
                #expect(answer.status == 400 && answer.body.contains("\"code\":\(code)"), "\(fields): \(answer.body)")
                #expect(answer.body.contains(message), "\(fields): \(answer.body)")
            }
            let ids = (0...CommandBounds.exceptions).map { _ in #""\#(Self.id)""# }.joined(separator: ",")
            let many = try await admin.request("POST", "/api/disconnect", #"{"user":"42","whitelist":[\#(ids)]}"#)
            #expect(many.status == 400 && many.body.contains("at most \(CommandBounds.exceptions)"))
            let large = #""\#(String(repeating: "x", count: CommandBounds.dataBytes))""#
            for (field, limit) in [("info", ClientInfo.maximumInfoBytes), ("data", CommandBounds.dataBytes)] {
                let answer = try await admin.request(
                    "POST", "/api/subscribe", #"{"user":"42","channel":"a","\#(field)":\#(large)}"#)
                #expect(answer.status == 413 && answer.body.contains("\(field) is above the limit of \(limit) bytes"))
            }
            let user = String(repeating: "u", count: CommandBounds.userBytes + 1)
            let long = try await admin.request("POST", "/api/disconnect", #"{"user":"\#(user)"}"#)
            #expect(long.status == 413 && long.body.contains("user is above the limit of \(CommandBounds.userBytes)"))
            #expect(sent.count == 0 && metrics.shared.value(.apiErrors) == wrong.count + 4)
        }
    }

    @Test("what could not be done everywhere is an error that says how far it went, and whether anything was done")
    func failures() async throws {
        typealias Outcome = CommandRelay.Outcome
        let cases: [(Result<Outcome, ControlError>, Int, Int, String, String?)] = [
            (.failure(.unavailable), 503, 100, "nothing was done: broker is not available", "not_done"),
            (.failure(.notYetInView), 503, 100, "nothing was done: this node has just come", "not_done"),
            (
                .success(Outcome(count: CommandCount(done: 1), nodes: 2, silent: ["n3"])), 503, 100,
                "done for 1 clients on 2 nodes, not confirmed by n3", "unknown"
            ),
            (.success(Outcome(count: CommandCount(done: 1, failed: 2), nodes: 2)), 503, 100, "not for 2:", "unknown"),
            (.success(Outcome(count: CommandCount(done: 1, full: 4), nodes: 2)), 400, 106, "not for 4 that have", nil),
            (.failure(.tooLarge), 413, 106, "nothing was done: it is more than", "not_done"),
            (
                .success(Outcome(count: CommandCount(done: 1), nodes: 2, unable: ["n3"])), 501, 108,
                "done for 1 clients on 2 nodes, not on older nodes that can't: n3", "unknown"
            ),
            (
                .success(Outcome(count: CommandCount(done: 1), nodes: 1, isEarly: true)), 503, 100,
                "done for 1 clients on 1 nodes: this node has just come", "unknown"
            ),
            (
                .success(Outcome(count: CommandCount(done: 3, lost: 2), nodes: 2)), 400, 112,
                "done for 3 clients on 2 nodes, for 2 of them without", nil
            ),
        ]
        for (result, status, code, message, outcome) in cases {
            try await with(result) { admin, _, _ in
                let answer = try await admin.request("POST", "/api/subscribe", #"{"user":"42","channel":"a"}"#)
                #expect(answer.status == status && answer.body.contains("\"code\":\(code)"), "\(answer.body)")
                #expect(answer.body.contains(message), "\(answer.body)")
                #expect(answer.body.contains(#""outcome":"\#(outcome ?? "")""#) == (outcome != nil), "\(answer.body)")
            }
        }
        try await with(.success(Outcome())) { admin, _, _ in
            let answer = try await admin.request("POST", "/api/disconnect", #"{"client":"\#(Self.id)"}"#)
            #expect(answer.status == 200 && answer.body == #"{"result":{"num_clients":0,"num_nodes":0}}"#)
        }
    }
}
