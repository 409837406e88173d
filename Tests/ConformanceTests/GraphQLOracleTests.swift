import FanfareCore
import FanfareTestKit
import FanfareWire
import Foundation
import NIOCore
import Testing

@testable import FanfareProtocols

/// Documents by chance against graphql-core, which shares no code with ours: what is wrong with them, and what comes of them.
@Suite("GraphQL: an oracle")
struct GraphQLOracleTests {
    @Test(
        "graphql-core says the same of thousands of documents, and gives the same answers", arguments: [UInt64(1), 2])
    func documents(seed: UInt64) async throws {
        var generator = GraphQLGenerator(seed: seed)
        let first = Self.line([("sdl", Self.string(GraphQLSchema.text)), ("root", Self.root)])
        let lines = [first] + (0..<3_000).map { _ in Self.judged(generator.next()) }
        let path = FileManager.default.temporaryDirectory.path + "/fanfare-graphql-\(UUID().uuidString).jsonl"
        defer { try? FileManager.default.removeItem(atPath: path) }
        try lines.joined(separator: "\n").write(toFile: path, atomically: true, encoding: .utf8)
        let log = try await run("graphql_oracle.py", path, within: .seconds(600))
        #expect(log.contains("'answer'") && log.contains("'syntax'") && log.contains("'validation'"), "\(log)")
    }

    /// The node's opinion, as a line for the script.
    private static func judged(_ example: GraphQLGenerator.Case) -> String {
        let variables = JSONMembers(ByteBuffer(string: "{\"v\":\(example.variables)}"))?["v"]
        let request = GraphQLRequest(
            query: example.query, operationName: example.operationName.map { ExactText($0) }, variables: variables)
        let (verdict, answer): (String, String)
        do throws(GraphQLFailure) {
            let plan = try request.plan()
            // A subscription's field has no `null` to be: that it can't be begun is all that is said.
            let isRefused = plan.kind == .subscription && plan.fields.contains { $0.problem != nil }
            (verdict, answer) = (isRefused ? "request" : "answer", self.answer(plan))
        } catch {
            verdict =
                switch error.errors.first?.code {
                case .syntax: "syntax"
                case .validation: "validation"
                case .tooComplex: "bound"
                default: "request"
                }
            answer = String(buffer: error.answer)
        }
        return line([
            ("query", string(example.query)), ("variables", example.variables),
            ("operationName", example.operationName.map(string) ?? "null"), ("verdict", string(verdict)),
            ("answer", answer),
        ])
    }

    /// What a node with ``root`` answers.
    private static func answer(_ plan: GraphQLPlan) -> String {
        var answer = GraphQLAnswer(plan)
        var place: Int?
        while let (next, field) = answer.next(after: place) {
            place = next
            guard !field.name.string.hasPrefix("__") else {
                answer.set(.success(GraphQLAnswer.introspection(field)), at: next)
                continue
            }
            let object: GraphQLObject =
                switch field.name {
                case "history": .history(HistoryPage(publications: publications, position: position(2)))
                case "presence": .presence(PresencePage(members: [member], total: 1))
                case "publish": .published(PublishReceipt(position: position(2)))
                case "channel": .publication(publications[1])
                default: .node(name: "n", version: "1")
                }
            answer.set(.success(.object(object)), at: next)
        }
        var buffer = ByteBuffer()
        answer.write(maxBytes: .max, into: &buffer)
        return String(buffer: buffer)
    }

    private static func position(_ offset: UInt64) -> StreamPosition { StreamPosition(offset: offset, epoch: "k3vx") }

    private static let member = ClientInfo(client: "c", user: "u", connInfo: ByteBuffer(string: "[1]"))

    private static let publications: [Publication] = {
        guard let channel = try? ChannelName("news"), let tags = try? PublicationTags([.init(name: "a", value: "b")])
        else { return [] }
        return [
            Publication(
                channel: channel, payload: Payload(text: "{\"a\":\"é\"}"), position: position(1),
                metadata: PublicationMetadata(tags: tags, info: member)),
            Publication(channel: channel, payload: Payload(text: "no \"JSON\""), position: position(2)),
        ]
    }()

    /// The same for graphql-core.
    private static let root: String = {
        let place = { (offset: Int) in #""offset":\#(offset),"epoch":"k3vx","position":"\#(offset).k3vx""# }
        let member = #"{"client":"c","user":"u","connInfo":[1],"chanInfo":null}"#
        let first =
            #"{"channel":"news","data":{"a":"é"},"text":"{\"a\":\"é\"}","base64":"eyJhIjoiw6kifQ==",\#(place(1)),"tags":[{"name":"a","value":"b"}],"info":\#(member)}"#
        let second =
            #"{"channel":"news","data":"no \"JSON\"","text":"no \"JSON\"","base64":"bm8gIkpTT04i",\#(place(2)),"tags":[],"info":null}"#
        return
            #"{"history":{"publications":[\#(first),\#(second)],\#(place(2))},"presence":{"members":[\#(member)],"count":1},"publish":{\#(place(2))},"channel":\#(second),"node":{"name":"n","version":"1"}}"#
    }()

    private static func string(_ text: String) -> String {
        var buffer = ByteBuffer()
        JSONWriter.writeString(text, into: &buffer)
        return String(buffer: buffer)
    }

    private static func line(_ members: [(String, String)]) -> String {
        "{" + members.map { "\"\($0.0)\":\($0.1)" }.joined(separator: ",") + "}"
    }
}
