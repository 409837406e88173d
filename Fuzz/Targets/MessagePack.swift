import NIOCore

@testable import FanfareCore
@testable import FanfareProtocols
@testable import FanfareWire

extension FuzzTarget {
    /// MessagePack, and what emitters of Socket.IO publish: values hold no more than their bytes; an event that is taken is JSON with as
    /// many attachments as it says, and as an event for clients it is the same; its publications name each room once.
    static let messagepack = FuzzTarget(name: "messagepack", maxBytes: 1_024) { input in
        var input = input
        switch input.pick(4) {
        case 0: values(input.buffer)
        case 1: emitted(try? RedisEmitter(key: "s").read("s#/#a#", input.buffer))
        case 2: emitted(try? RedisEmitter(key: "s").read("s-request#/a#", input.buffer))
        default: emitted(try? PythonEmitter(channels: ["s"]).read("s", input.buffer))
        }
    }

    private static func values(_ bytes: ByteBuffer) {
        var (reader, size, missing) = (MessagePackReader(bytes), 0, 1)
        while missing > 0, let value = try? reader.next() {
            missing -= 1
            size += 1
            switch value {
            case .string(let text):
                expect(text.withUnsafeReadableBytes { UTF8Validator.isValid($0) }, "a string that is not UTF-8")
                size += text.readableBytes
            case .binary(let part), .ext(_, let part): size += part.readableBytes
            case .array(let count): missing += count
            case .map(let count): missing += 2 * count
            default: break
            }
        }
        expect(size <= bytes.readableBytes, "\(size) bytes out of \(bytes.readableBytes)")
        // To skip a value is to read it.
        var skipping = MessagePackReader(bytes)
        expect((try? skipping.skip()) == nil || missing == 0, "skipped what can't be read")
        guard missing == 0 else { return }
        var json = MessagePackJSON()
        var again = MessagePackReader(bytes)
        guard (try? json.write(&again)) != nil else { return }
        expect(ReferenceJSON.isValid(json.json.readableBytesView), "no JSON: \(String(buffer: json.json))")
        expect(json.attachments.count <= EmitterBounds.attachments, "\(json.attachments.count) attachments")
        expect(again.isAtEnd == skipping.isAtEnd, "skipped otherwise than read")
    }

    private static func emitted(_ message: EmitterMessage??) {
        let rules = ChannelRulebook(namespaces: ["a": ChannelRules()])
        switch message {
        case .emit(let event)??:
            expect(ReferenceJSON.isValid(event.payload.readableBytesView), "no JSON")
            guard let channel = try? ChannelName("a") else { return }
            let publication = Publication(channel: channel, payload: Payload(kind: .text, bytes: event.payload))
            let shared = SocketIOSharedEvent(publication)
            expect(!shared.arguments.readableBytesView.starts(with: Array("[\"message\",{\"event\"".utf8)), "no event")
            guard let shares = try? event.shares(rules, limit: 64) else { return }
            expect(Set(shares.map(\.channel)).count == shares.count, "a room twice")
            for share in shares {
                let size = share.unless.reduce(0) { $0 + 1 + $1.string.utf8.count }
                expect(size <= PublicationMetadata.maximumUnlessBytes, "\(size) bytes of rooms")
            }
        case .request(let request)??:
            guard let command = try? SocketIORoomCommand(request, rules, limit: 64) else { return }
            expect(!command.channels.isEmpty, "for nobody")
        default: break
        }
    }
}
