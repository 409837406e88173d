import FanfareTestKit
import Foundation
import Testing

/// A protocol is one folder under `FanfareProtocols`, a case of `Session` and its formats; a transport is one folder under
/// `Transports` with its framing, and lines in the router. What serves all of them names none.
@Suite("Lint: a protocol is one folder, and so is a transport")
struct PromiseTests {
    /// What serves every protocol.
    private static let shared = [
        "FanfareCore/Hub", "FanfareCore/Broker", "FanfareCore/Channels", "FanfareCore/Clients",
        "FanfareCore/ControlBus",
        "FanfareCore/History", "FanfareCore/KeepAlive", "FanfareCore/Outbox", "FanfareCore/Presence",
        "FanfareCore/Session", "FanfareRedis", "FanfareAuth", "FanfareServer/Addresses", "FanfareServer/Client",
        "FanfareServer/Commands", "FanfareServer/HTTP", "FanfareServer/Listener", "FanfareServer/Refusals",
        "FanfareServer/TLS", "FanfareServer/Tokens",
    ]

    /// Tables in which a protocol may have lines of its own: limits, figures, settings, and what all of its clients share. The server
    /// API answers in the words of the Centrifuge protocol, and emitters speak those of Socket.IO.
    private static let tables = [
        "FanfareCore/Limits/Limits.swift", "FanfareCore/Metrics/ClientKind.swift",
        "FanfareCore/Metrics/NodeMetrics.swift", "FanfareServer/Admin/ServerAPI", "FanfareServer/Configuration/",
        "FanfareServer/Emitters/",
        "FanfareServer/Metrics/Metric+Table.swift", "FanfareServer/Node/NodeContext.swift",
    ]

    /// Where the routes are, so names of all.
    private static let router = "FanfareServer/HTTP/Router/"

    /// What backends publish for clients of one protocol, where it is heard.
    private static let emitters = "FanfareRedis/Emitters/"

    private static let protocolNames =
        #"centrifuge|stomp|mqtt|graphql|sockjs|socket\.?io|engine\.?io|\braw(session|websocket|event|http|codec|format)|\braw (client|protocol|session)"#

    private static let eventStream = #"\bsse\b|event-?stream|eventsource"#

    /// Where event streams have their place: framing, transports, router, and the formats of each protocol.
    private static let ofEventStreams = [
        "FanfareWire/Framings/EventStream/", "FanfareWire/Framings/SockJS/", "FanfareServer/Transports/", router,
        "FanfareProtocols/BuiltInFormats.swift",
        "FanfareProtocols/Centrifuge/CentrifugeStreamFormats.swift",
        "FanfareProtocols/GraphQL/Session/GraphQLWords.swift", "FanfareCore/Metrics/ClientKind.swift",
    ]

    /// Modules of the node; its page says how to use all of it.
    private static let node = [
        "FanfareWire", "FanfareCore", "FanfareRedis", "FanfareAuth", "FanfareProtocols", "FanfareServer", "fanfare",
    ]

    private static func matches(_ pattern: String, _ line: some StringProtocol) -> Bool {
        line.range(of: pattern, options: [.regularExpression, .caseInsensitive]) != nil
    }

    /// Lines of these folders that hold the pattern, comments included, as `file:line: text`.
    private static func lines(
        with pattern: String, in folders: [String], except places: [String]
    ) throws -> (found: [String], files: Int) {
        var (found, files): ([String], Int) = ([], 0)
        for folder in folders {
            let root = Repository.path + "/Sources/" + folder
            let names = FileManager.default.enumerator(atPath: root)?.compactMap { $0 as? String } ?? []
            for name in names where name.hasSuffix(".swift") {
                let path = folder + "/" + name
                guard !places.contains(where: path.hasPrefix) else { continue }
                files += 1
                let text = try String(contentsOfFile: root + "/" + name, encoding: .utf8)
                for (number, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated()
                where matches(pattern, line) {
                    found.append("\(path):\(number + 1): \(line.trimmingCharacters(in: .whitespaces))")
                }
            }
        }
        return (found, files)
    }

    @Test("hub, broker, client and HTTP name no protocol")
    func protocols() throws {
        let (found, files) = try Self.lines(
            with: Self.protocolNames, in: Self.shared, except: [Self.router, Self.emitters])
        #expect(files > 100, "the sources are where this looks")
        #expect(found == [])
    }

    @Test("in the rest of core and server a protocol has lines in the tables, in its transport, and nowhere else")
    func tables() throws {
        let places = Self.tables + [Self.router, "FanfareServer/Transports/", "FanfareServer/ServerBounds.swift"]
        let (found, files) = try Self.lines(
            with: Self.protocolNames, in: ["FanfareCore", "FanfareServer"], except: places)
        #expect(files > 200, "the sources are where this looks")
        #expect(found == [])
    }

    @Test("event streams are known to their framing, the transports, the router and the formats only")
    func eventStreams() throws {
        let (found, files) = try Self.lines(with: Self.eventStream, in: Self.node, except: Self.ofEventStreams)
        #expect(files > 300, "the sources are where this looks")
        #expect(found == [])
    }

    @Test(
        "the lint finds what it is for",
        arguments: [
            "let policy: CentrifugeSession.Policy", "/// What a raw client sends.", "case stompWebSocket",
            "guard format != .rawEventStream else { return }",
            "if case .raw(let session) = self, session is RawSession {",
            "// As in Socket.IO",
        ])
    func finds(line: String) { #expect(Self.matches(Self.protocolNames, line)) }

    @Test(
        "and nothing else",
        arguments: [
            "let method = request.method.rawValue", "bytes.withUnsafeReadableBytes { raw in }", "isSetUp = true",
        ])
    func passes(line: String) {
        #expect(!Self.matches(Self.protocolNames, line) && !Self.matches(Self.eventStream, line))
    }
}
