import FanfareCore
import FanfareProtocols
import FanfareTestKit
import FanfareWire
import Testing

@testable import FanfareServer

@Suite("Server API: fields")
struct APIFieldTests {
    /// A request that each method takes.
    private static let good: [APIMethod: String] = [
        .publish: #""channel":"c","data":1"#, .broadcast: #""channels":["c"],"data":1"#,
        .history: #""channel":"kept:c","limit":1"#, .historyRemove: #""channel":"kept:c""#,
        .presence: #""channel":"kept:c""#, .presenceStats: #""channel":"kept:c""#,
        .subscribe: #""user":"42","channel":"c""#, .unsubscribe: #""user":"42","channel":"c""#,
        .disconnect: #""user":"42""#, .refresh: #""user":"42""#,
    ]

    /// A node with one namespace that keeps history and presence.
    private func withAPI(_ body: (AdminPort) async throws -> Void) async throws {
        let rules = try NamespaceText.read(
            "kept: history=10/1h presence delta=fossil tags-filter", presenceTTL: .seconds(60))
        let metrics = NodeMetrics(loops: 1)
        let broker = MemoryBroker(rules: rules, formats: FormatTable(), metrics: metrics.broker)
        broker.start(receivers: [Mailbox<BrokerEvent> {}])
        var context = AdminContext.forTest(metrics: metrics, broker: broker)
        context.channels = rules
        try await withAdminPort(context, body)
        await broker.shutdown()
    }

    private func ask(_ admin: AdminPort, _ method: APIMethod, _ fields: String) async throws -> HTTPAnswer {
        try await admin.request("POST", "/api/\(method.rawValue)", "{\(fields)}")
    }

    @Test("a field that is not known is an error that names it, in every method", arguments: APIMethod.allCases)
    func unknown(method: APIMethod) async throws {
        let good = try #require(Self.good[method])
        try await withAPI { admin in
            #expect(try await ask(admin, method, good).status == 200)
            for field in ["skip_historry", "params", "Channel", "", "größe"] {
                for value in ["true", "0", #""x""#, "{}", "[]", "false", #""""#] {
                    let answer = try await ask(admin, method, good + #","\#(field)":\#(value)"#)
                    #expect(answer.status == 400 && answer.body.contains(#""code":107"#), "\(answer.body)")
                    #expect(answer.body.contains("unknown field '\(field)' in \(method.rawValue)"), "\(answer.body)")
                    #expect(answer.body.contains("known: \(method.fields.joined(separator: ", "))"))
                }
                // What client libraries send for a field that nobody set.
                #expect(try await ask(admin, method, good + #","\#(field)":null"#).status == 200)
            }
        }
    }

    @Test("every field that a method knows may be null, and the optional ones change nothing then")
    func nulls() async throws {
        try await withAPI { admin in
            for (method, good) in Self.good {
                let others = method.fields + method.unavailable.keys.map(\.string)
                let optional = others.filter { !good.contains(#""\#($0)""#) }
                let nulls = optional.map { #","\#($0)":null"# }.joined()
                let answer = try await ask(admin, method, good + nulls)
                #expect(answer.status == 200, "\(method): \(answer.body)")
            }
        }
    }

    @Test("a misspelt option is told with the one that was meant")
    func meant() async throws {
        try await withAPI { admin in
            let answer = try await ask(admin, .publish, #""channel":"kept:c","data":1,"skip_historry":true"#)
            #expect(answer.body.contains("unknown field 'skip_historry' in publish; did you mean 'skip_history'?"))
            let since = try await ask(
                admin, .history, #""channel":"kept:c","since":{"offset":1,"epoch":"x","ofset":2}"#)
            #expect(since.status == 400 && since.body.contains("unknown field 'since.ofset' in history"))
            #expect(since.body.contains("did you mean 'since.offset'?"))
        }
    }

    @Test("a field that is given twice is an error: two readers of one request might take two different ones")
    func twice() async throws {
        try await withAPI { admin in
            let answer = try await ask(admin, .publish, #""channel":"a","channel":"b","data":1"#)
            #expect(answer.status == 400 && answer.body.contains("'channel' is given twice"))
        }
    }

    @Test(
        "an option of Centrifugo that this node has not is refused unless it asks for nothing",
        arguments: [
            ("version", "7", "0"), ("version_epoch", #""x""#, #""""#),
        ], [APIMethod.publish, .broadcast]
    )
    func unavailable(option: (name: String, asks: String, idle: String), method: APIMethod) async throws {
        let good = try #require(Self.good[method])
        try await withAPI { admin in
            let refused = try await ask(admin, method, good + #","\#(option.name)":\#(option.asks)"#)
            #expect(refused.status == 400 && refused.body.contains(#""code":108"#), "\(refused.body)")
            #expect(refused.body.contains("'\(option.name)' is not available here"))
            let idle = try await ask(admin, method, good + #","\#(option.name)":\#(option.idle)"#)
            #expect(idle.status == 200, "\(idle.body)")
        }
    }

    @Test("tags are taken as an object of strings, within their bounds, and history has them")
    func tags() async throws {
        try await withAPI { admin in
            let good = #""channel":"kept:c","data":1"#
            #expect(try await ask(admin, .publish, good + #","tags":{"b":"2","a":"1"}"#).status == 200)
            let kept = try await ask(admin, .history, #""channel":"kept:c","limit":1"#)
            #expect(kept.body.contains(#"{"data":1,"offset":1,"tags":{"b":"2","a":"1"}}"#), "\(kept.body)")
            let many = (0...32).map { #""t\#($0)":"""# }.joined(separator: ",")
            for tags in ["[]", "1", #"{"a":1}"#, #"{"a":"1","a":"2"}"#, #"{"":"1"}"#, "{\(many)}"] {
                let answer = try await ask(admin, .publish, good + #","tags":\#(tags)"#)
                #expect(answer.status == 400 && answer.body.contains(#""code":107"#), "\(tags): \(answer.body)")
                #expect(answer.body.contains("'tags'"), "\(answer.body)")
            }
        }
    }

    @Test("delta may be asked for where the namespace has deltas, and is nothing to do where false")
    func delta() async throws {
        try await withAPI { admin in
            let refused = try await ask(admin, .publish, #""channel":"c","data":1,"delta":true"#)
            #expect(refused.status == 400 && refused.body.contains(#""code":108"#), "\(refused.body)")
            #expect(try await ask(admin, .publish, #""channel":"c","data":1,"delta":false"#).status == 200)
            #expect(try await ask(admin, .publish, #""channel":"kept:c","data":1,"delta":true"#).status == 200)
        }
    }

    @Test("skip_history is refused where there is a history, and is nothing to do where there is none")
    func skipHistory() async throws {
        try await withAPI { admin in
            let refused = try await ask(admin, .publish, #""channel":"kept:c","data":1,"skip_history":true"#)
            #expect(refused.status == 400 && refused.body.contains(#""code":108"#), "\(refused.body)")
            #expect(refused.body.contains("'skip_history' is not available in 'kept:c'"))
            let kept = try await ask(admin, .history, #""channel":"kept:c","limit":10"#)
            #expect(kept.body.contains(#""publications":[]"#))
            #expect(try await ask(admin, .publish, #""channel":"c","data":1,"skip_history":true"#).status == 200)
            #expect(
                try await ask(admin, .publish, #""channel":"kept:c","data":1,"skip_history":false"#).status == 200)
            let wrong = try await ask(admin, .publish, #""channel":"c","data":1,"skip_history":"yes""#)
            #expect(wrong.status == 400 && wrong.body.contains("'skip_history' must be true or false"))
            let both = try await ask(admin, .broadcast, #""channels":["c","kept:c"],"data":1,"skip_history":true"#)
            #expect(both.status == 200)
            let start = #"{"result":{"responses":[{"result":{}},{"error":{"code":108,"#
            #expect(both.body.hasPrefix(start), "\(both.body)")
        }
    }
}
