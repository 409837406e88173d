import FanfareTestKit
import Foundation
import NIOCore
import Testing

@testable import FanfareProtocols
@testable import FanfareWire

/// Our codec against Google's, with the schema of the official Python SDK.
@Suite("Protobuf against Google's")
struct ProtobufReferenceTests {
    private func withFile(_ body: (String) async throws -> Void) async throws {
        let path = NSTemporaryDirectory() + "protobuf-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: path) }
        try await body(path)
    }

    @Test("what Google writes is read, and what is read of broken commands Google reads likewise", arguments: 1...3)
    func commands(seed: Int) async throws {
        try await withFile { path in
            _ = try await run("protobuf_reference.py", "commands", path, "\(seed)", within: .seconds(60))
            var (read, readable) = (0, 0)
            for line in try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n") {
                let parts = line.split(separator: "\t", omittingEmptySubsequences: false)
                try #require(parts.count == 3)
                let bytes = ByteBuffer(bytes: Hexadecimal.bytes(parts[1]))
                let command = try? CentrifugeProtobufDecoder.command(bytes, maxSubscriptions: 8)
                guard let command else {
                    #expect(parts[0] == "broken", "\(line)")
                    continue
                }
                #expect(Self.words(command) == parts[2], "\(line)")
                if parts[0] == "broken" { readable += 1 }
                read += 1
            }
            #expect(read > 1_000 && readable > 100)
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
        return "\(hexadecimal(request.channel.string)),\(hexadecimal(request.token ?? "")),\(place)"
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
            let log = try await run("protobuf_reference.py", "replies", path, within: .seconds(60))
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
            let publications = [data, bytes].enumerated().map { index, payload in
                Publication(
                    channel: channel, payload: payload,
                    position: StreamPosition(offset: UInt64(length) + UInt64(index), epoch: "k3vxq7ab"))
            }
            let position = StreamPosition(offset: UInt64(length) << 20, epoch: "k3vxq7ab")
            var result = CentrifugeSubscribeResult(
                position: length == 1 ? nil : position, isRecoverable: length > 5, wasRecovering: length > 90,
                isRecovered: length > 100, publications: length > 110 ? publications : [])
            result.ttl = length == 200 ? nil : UInt32(length)
            let id = UInt32(length)
            messages += publications.map { encoder.publicationPush($0) }
            messages += [
                encoder.publicationPush(Publication(channel: channel, payload: data)),
                encoder.presencePush(PresenceEvent(channel: channel, kind: .join, info: info)),
                encoder.presencePush(PresenceEvent(channel: channel, kind: .leave, info: info)),
                encoder.unsubscribePush(channel, code: 2_500, reason: name),
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
