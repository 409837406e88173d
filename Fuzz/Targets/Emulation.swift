import FanfareCore
import NIOCore

@testable import FanfareProtocols
@testable import FanfareServer
@testable import FanfareWire

extension FuzzTarget {
    /// What comes with requests that belong to a session: their bodies, their addresses, session ids, and the first message of a
    /// client that only hears. Nothing in the latter reads as more than a `connect`, and what such a client hears is JSON in one line.
    static let emulation = FuzzTarget(name: "emulation", maxBytes: 1_024) { input in
        var input = input
        switch input.pick(5) {
        case 0: body(input.buffer)
        case 1: session(input.remainder)
        case 2: query(input.remainder)
        case 3: connects(input.buffer)
        default: protobuf(input.buffer)
        }
    }

    private static func body(_ bytes: ByteBuffer) {
        guard let request = EmulationRequest(bytes) else { return }
        expect(ReferenceJSON.isValid(bytes.readableBytesView), "a body that is no JSON")
        expect(request.data.kind == .text && request.data.bytes.readableBytes <= bytes.readableBytes, "data that grew")
        expect(request.data.bytes.withUnsafeReadableBytes { UTF8Validator.isValid($0) }, "data that is not UTF-8")
    }

    /// Written anew it says the same.
    private static func protobuf(_ bytes: ByteBuffer) {
        guard let request = EmulationRequest(bytes, isProtobuf: true) else { return }
        expect(
            request.data.kind == .binary && request.data.bytes.readableBytes <= bytes.readableBytes, "data that grew")
        var again = ByteBuffer()
        again.writeProtobuf(Field.session, request.session.string)
        again.writeProtobuf(Field.data, request.data.bytes)
        guard !request.session.isEmpty else { return }
        let other = EmulationRequest(again, isProtobuf: true)
        expect(other?.session == request.session && other?.data == request.data, "another request")
    }

    /// Of `client.proto`: EmulationRequest.
    private enum Field: UInt32 {
        case session = 2
        case data = 3
    }

    private static func session(_ text: String) {
        guard let id = SessionID(ExactText(text)) else { return }
        expect(id.text.utf8.elementsEqual(text.utf8), "'\(text)' is written otherwise")
        expect(SessionID(id.bytes) == id && id.matches(id), "other bytes")
        expect(!id.description.utf8.contains(text.utf8.suffix(32)), "a secret in a description")
    }

    private static func query(_ target: String) {
        guard let value = ConnectQuery.value(target) else { return }
        expect(value.readableBytes <= target.utf8.count, "a value that grew")
        expect(value.withUnsafeReadableBytes { UTF8Validator.isValid($0) }, "a value that is not UTF-8")
    }

    private static func connects(_ bytes: ByteBuffer) {
        let policy = CentrifugeSession.Policy(
            nodeName: "n", version: "1", pingSeconds: 25, maxChannelNameBytes: 64, maxChannels: 4,
            permissions: .publish)
        var session = CentrifugeSession(.init(policy), clientID: "c", link: .unidirectional)
        guard case .commands(let count) = session.take(Payload(kind: .text, bytes: bytes)) else { return }
        expect(count == 1 && (bytes.readableBytes == 0 || ReferenceJSON.isValid(bytes.readableBytesView)), "no connect")
        guard case .perform(let command) = session.queue.next(mayRead: true) else { return }
        guard case .connect = command.method else { fatalError("another command: \(command)") }
        expect(command.id == CentrifugeSession.connectID && session.queue.isEmpty, "more than a connect: \(command)")
        guard case .send(let push) = session.receive(command) else { return }
        expect(JSONLine(push.bytes)?.bytes == push.bytes, "not JSON in one line: \(String(buffer: push.bytes))")
        expect(JSONMembers(push.bytes)?.keys == ["connect"], "no push: \(String(buffer: push.bytes))")
        guard case .commands(0) = session.take(Payload(text: "{}")) else { fatalError("a second message counts") }
    }
}
