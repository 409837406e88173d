import FanfareTestKit
import Foundation
import NIOCore
import Testing

@testable import FanfareProtocols
@testable import FanfareServer
@testable import FanfareWire

/// Our codec against Google's, with the schema of the official Python SDK.
@Suite("Protobuf against Google's")
struct ProtobufReferenceTests {
    private func withFile(_ body: (String) async throws -> Void) async throws {
        let path = NSTemporaryDirectory() + "protobuf-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: path) }
        try await body(path)
    }

    /// The first always, two others anew with each run; a test that fails has its seed in its name, and `FANFARE_TEST_SEED` runs that alone.
    private static let seeds =
        ProcessInfo.processInfo.environment["FANFARE_TEST_SEED"].flatMap { Int($0) }.map { [$0] }
        ?? [1, Int.random(in: 2...1_000_000_000), Int.random(in: 2...1_000_000_000)]

    @Test("what Google writes is read, and what is read of broken commands Google reads likewise", arguments: seeds)
    func commands(seed: Int) async throws {
        try await withFile { path in
            _ = try await run("protobuf_reference.py", "commands", path, "\(seed)", within: .seconds(240))
            let (read, readable) = try Self.judge(path)
            #expect(read > 1_000 && readable > 100)
        }
    }

    @Test("so does what fuzzers found and was kept")
    func corpus() async throws {
        var lines: [String] = []
        for folder in ["/Fuzz/Corpus/protobuf", "/Fuzz/Regressions/protobuf"] {
            let folder = Repository.path + folder
            for name in (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? [] {
                // A choice of the target stands before the commands.
                var bytes = ByteBuffer(
                    bytes: (FileManager.default.contents(atPath: folder + "/" + name) ?? Data()).dropFirst())
                while let command = bytes.readProtobufBytes() {
                    lines.append(Hexadecimal.text(command.readableBytesView))
                }
            }
        }
        try await withFile { [lines] path in
            try lines.joined(separator: "\n").write(toFile: path, atomically: true, encoding: .utf8)
            _ = try await run("protobuf_reference.py", "judge", path, within: .seconds(240))
            let (read, _) = try Self.judge(path)
            #expect(read > 10)
        }
    }

    /// Holds what is read of each line against what Google read.
    ///
    /// - Returns: how many were read, and how many of these were not whole.
    private static func judge(_ path: String) throws -> (read: Int, readable: Int) {
        var (read, readable) = (0, 0)
        for line in try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n") {
            let parts = line.split(separator: "\t", omittingEmptySubsequences: false)
            try #require(parts.count == 3)
            let bytes = ByteBuffer(bytes: Hexadecimal.bytes(parts[1]))
            let isWhole = parts[0] == "whole"
            guard let command = try? CentrifugeProtobufDecoder.command(bytes, maxSubscriptions: 8) else {
                #expect(!isWhole, "\(line)")
                continue
            }
            read += 1
            guard !isWhole else {
                #expect(words(command) + filters(command) == parts[2], "\(line)")
                continue
            }
            readable += 1
            // Google's reader leaves out an entry of a map with fields that it does not know; by the standard they are passed over.
            let (ours, theirs) = (words(command).split(separator: " "), parts[2].split(separator: " "))
            if case .connect = command.method, ours.count > theirs.count {
                #expect(ours.starts(with: theirs.prefix(3)) && Set(theirs).isSubset(of: ours), "\(line)")
            } else {
                #expect(ours == theirs, "\(line)")
            }
        }
        return (read, readable)
    }

    @Test("requests that bring commands to a session say the same to both", arguments: seeds)
    func emulation(seed: Int) async throws {
        try await withFile { path in
            _ = try await run("protobuf_reference.py", "emulation", path, "\(seed)", within: .seconds(240))
            var readable = 0
            for line in try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n") {
                let parts = line.split(separator: "\t", omittingEmptySubsequences: false)
                try #require(parts.count == 3)
                let bytes = ByteBuffer(bytes: Hexadecimal.bytes(parts[1]))
                guard let request = EmulationRequest(bytes, isProtobuf: true) else {
                    #expect(parts[0] == "broken", "\(line)")
                    continue
                }
                let words =
                    "\(Self.hexadecimal(request.session.string)),"
                    + Hexadecimal.text(request.data.bytes.readableBytesView)
                #expect(words == parts[2], "\(line)")
                if parts[0] == "broken" { readable += 1 }
            }
            #expect(readable > 100)
        }
    }

    /// As `protobuf_reference.py` has it.
    private static func words(_ command: CentrifugeCommand) -> String {
        let words: [String] =
            switch command.method {
            case .pong: []
            case .connect(let request):
                // A map has each key once, the last one counts.
                ["connect", hexadecimal(request.token ?? "")]
                    + Dictionary(request.subscriptions.map { ($0.channel, self.words($0)) }) { $1 }.values.sorted()
            case .subscribe(let request): ["subscribe", self.words(request)]
            case .unsubscribe(let channel): ["unsubscribe", hexadecimal(channel.string)]
            case .publish(let channel, let data):
                ["publish", "\(hexadecimal(channel.string)),\(Hexadecimal.text(data.readableBytesView))"]
            case .presence(let channel): ["presence", hexadecimal(channel.string)]
            case .presenceStats(let channel): ["presence_stats", hexadecimal(channel.string)]
            case .history(let request):
                [
                    "history",
                    "\(hexadecimal(request.channel.string)),\(request.limit),\(request.reverse ? 1 : 0),"
                        + (request.since.map { "\($0.offset),\(hexadecimal($0.epoch))" } ?? ""),
                ]
            case .send: ["send"]
            case .rpc: ["rpc"]
            case .refresh(let token): ["refresh", hexadecimal(token)]
            case .subRefresh(let channel, let token):
                ["sub_refresh", "\(hexadecimal(channel.string)),\(hexadecimal(token))"]
            case .ping: ["ping"]
            }
        return (["\(command.id)"] + words).joined(separator: " ")
    }

    private static func words(_ request: CentrifugeSubscribe) -> String {
        let place = "\(request.recover ? 1 : 0),\(request.position.offset),\(hexadecimal(request.position.epoch))"
        return "\(hexadecimal(request.channel.string)),\(hexadecimal(request.token ?? "")),\(place),"
            + hexadecimal(request.delta.string)
    }

    /// Those of a command's subscriptions, in the order of their words.
    private static func filters(_ command: CentrifugeCommand) -> String {
        switch command.method {
        case .subscribe(let request): " " + words(request.filter)
        case .connect(let request):
            " "
                + Dictionary(request.subscriptions.map { ($0.channel, $0) }) { $1 }.values
                .sorted { words($0) < words($1) }.map { words($0.filter) }.joined()
        default: ""
        }
    }

    private static func words(_ filter: Result<TagFilter, TagFilterError>?) -> String {
        switch filter {
        case nil: "-"
        case .success(let filter): words(filter.root)
        case .failure(let error): "\(error)"
        }
    }

    private static func words(_ node: TagFilter.Node) -> String {
        switch node {
        case .all(let parts): "[and:" + parts.map { words($0) }.joined() + "]"
        case .any(let parts): "[or:" + parts.map { words($0) }.joined() + "]"
        case .not(let part): "[not:" + words(part) + "]"
        case .compare(let key, let comparison):
            "[\(name(comparison)):\(hexadecimal(key.string)):" + values(comparison) + "]"
        }
    }

    private static func name(_ comparison: TagFilter.Comparison) -> String {
        switch comparison {
        case .equal: "eq"
        case .notEqual: "neq"
        case .oneOf: "in"
        case .noneOf: "nin"
        case .exists: "ex"
        case .missing: "nex"
        case .startsWith: "sw"
        case .endsWith: "ew"
        case .contains: "ct"
        case .ordered(.less, _): "lt"
        case .ordered(.notMore, _): "lte"
        case .ordered(.more, _): "gt"
        case .ordered(.notLess, _): "gte"
        }
    }

    private static func values(_ comparison: TagFilter.Comparison) -> String {
        switch comparison {
        case .equal(let text), .notEqual(let text), .startsWith(let text), .endsWith(let text), .ordered(_, let text):
            hexadecimal(text.string) + ":"
        case .contains(let pattern): hexadecimal(pattern.text.string) + ":"
        case .oneOf(let texts), .noneOf(let texts):
            ":" + texts.map { hexadecimal($0.string) }.joined(separator: ";")
        case .exists, .missing: ":"
        }
    }

    private static func hexadecimal(_ text: String) -> String { Hexadecimal.text(text.utf8) }

    @Test("a node says the same in Protobuf as in JSON, and no byte too many")
    func replies() async throws {
        let binary = try Self.messages(CentrifugeProtobufEncoder.self)
        let text = try Self.messages(CentrifugeJSONEncoder.self)
        let lines = zip(binary, text).map {
            "\(Hexadecimal.text($0.bytes.readableBytesView))\t\(Hexadecimal.text($1.bytes.readableBytesView))"
        }
        try await withFile { path in
            try lines.joined(separator: "\n").write(toFile: path, atomically: true, encoding: .utf8)
            let log = try await run("protobuf_reference.py", "replies", path, within: .seconds(240))
            #expect(log.contains("ok"))
        }
    }

    /// Everything that a node says, with texts and data of all lengths at which something changes.
    private static func messages(_ encoder: any CentrifugeEncoder.Type) throws -> [Body] {
        var messages = [encoder.ping]
        for length in [1, 5, 90, 100, 110, 120, 127, 128, 200, 255, 16_300, 16_383, 16_384, 70_000] {
            let data = Payload(text: #"""# + String(repeating: "é", count: length / 2) + #"""#)
            let bytes = Payload(kind: .binary, bytes: ByteBuffer(repeating: 0xFF, count: length))
            let channel = try ChannelName(String(repeating: "c", count: min(length, 255)))
            let name = String(repeating: "n", count: length)
            let info = ClientInfo(
                client: ExactText(name), user: length == 5 ? "" : "ü",
                connInfo: length % 2 == 0 ? ByteBuffer(string: #"{"name":"Zoë"}"#) : nil,
                chanInfo: length > 100 ? ByteBuffer(string: "[1,2]") : nil)
            let tags = try PublicationTags([
                .init(name: "t", value: ExactText(String(name.prefix(1_000)))), .init(name: "ü", value: ""),
            ])
            let publications = [data, bytes].enumerated().map { index, payload in
                Publication(
                    channel: channel, payload: payload,
                    position: StreamPosition(offset: UInt64(length) + UInt64(index), epoch: "k3vxq7ab"),
                    metadata: PublicationMetadata(
                        tags: index == 0 && length != 5 ? tags : .none,
                        info: length > 100 && length < 10_000 ? info : nil))
            }
            let base = Publication(
                channel: channel, payload: Payload(text: #"{"a":""# + String(repeating: "ab1", count: length) + #""}"#),
                metadata: PublicationMetadata(tags: tags))
            let changed = Publication(
                channel: channel,
                payload: Payload(text: #"{"a":""# + String(repeating: "ab1", count: length) + #"x"}"#),
                position: publications[0].position, metadata: base.metadata)
            let position = StreamPosition(offset: UInt64(length) << 20, epoch: "k3vxq7ab")
            var result = CentrifugeSubscribeResult(
                position: length == 1 ? nil : position, isRecoverable: length > 5, wasRecovering: length > 90,
                isRecovered: length > 100, publications: length > 110 ? publications : [])
            result.ttl = length == 200 ? nil : UInt32(length)
            let id = UInt32(length)
            messages += publications.map { encoder.publicationPush($0) }
            // Too short, it is whole in one encoding and not in the other.
            let delta = encoder.deltaPush(changed, after: base)
            if length > 20 { messages.append(try #require(delta)) }
            messages += [
                encoder.publicationPush(Publication(channel: channel, payload: data)),
                encoder.presencePush(PresenceEvent(channel: channel, kind: .join, info: info)),
                encoder.presencePush(PresenceEvent(channel: channel, kind: .leave, info: info)),
                encoder.unsubscribePush(channel, code: 2_500, reason: name),
                encoder.subscribePush(channel, position: nil, isRecoverable: false, data: nil),
                encoder.subscribePush(channel, position: position, isRecoverable: length > 5, data: data),
                encoder.subscribePush(channel, position: position, isRecoverable: false, data: bytes),
                encoder.refreshPush(ttl: length == 5 ? nil : id),
                encoder.disconnectPush(code: 3_503, reason: name),
                encoder.connectReply(
                    id: id, client: name, version: "v", node: "n", session: length == 5 ? nil : name,
                    ping: length == 5 ? nil : length, pong: length != 200, ttl: length == 5 ? nil : id,
                    subscriptions: [(channel, result), (try ChannelName("other"), result)]),
                encoder.connectReply(
                    id: id, client: "c", version: "v", node: name, session: nil, ping: 25, pong: true, ttl: nil,
                    subscriptions: []),
                encoder.subscribeReply(id: id, result),
                encoder.historyReply(id: id, publications: length == 5 ? [] : publications, position: position),
                encoder.presenceReply(id: id, length == 5 ? [] : [info]),
                encoder.presenceStatsReply(id: id, clients: length, users: length == 5 ? 0 : 1),
                encoder.refreshReply(id: id, client: name, version: "v", ttl: length == 5 ? nil : id),
                encoder.subRefreshReply(id: id, ttl: length == 5 ? nil : id),
                encoder.errorReply(id: id, .badRequest(name)),
                encoder.errorReply(id: id, .tooManyRequests(retryAfter: 5)),
            ]
        }
        for method in CentrifugeMethod.allCases where method != .send {
            messages.append(encoder.emptyReply(id: .max, method: method))
        }
        return messages
    }
}
