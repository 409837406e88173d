import NIOCore

@testable import FanfareCore
@testable import FanfareProtocols
@testable import FanfareWire

extension FuzzTarget {
    /// STOMP: frames are the same however cut, bounded, and read again as they are written; a destination says one channel.
    static let stomp = FuzzTarget(name: "stomp", maxBytes: 2_048) { input in
        var input = input
        switch input.pick(3) {
        case 0: frames(input)
        case 1: texts(input)
        default: destination(input.remainder)
        }
    }

    private static let limit = 256

    private static func frames(_ input: FuzzInput) {
        var input = input
        let version: STOMPVersion? = input.pick([nil, .v10, .v11, .v12])
        let size = input.pick(32) + 1
        let (whole, error) = read(input.buffer, version, size: .max)
        let (cut, otherError) = read(input.buffer, version, size: size)
        expect(whole == cut && error == otherError, "other frames in pieces of \(size): \(whole), \(cut)")
        for frame in whole {
            expect(frame.headers.count <= STOMPBounds.headers, "\(frame.headers.count) headers")
            expect(frame.body.readableBytes <= (frame.command == .send ? limit : 0), "a body of \(frame.command)")
            guard version != nil else { continue }
            let (again, error) = read(written(frame, version ?? .v12), version, size: .max)
            expect(again == [frame] && error == nil, "\(frame) is read as \(again), \(String(describing: error))")
        }
    }

    private static func read(
        _ bytes: ByteBuffer, _ version: STOMPVersion?, size: Int
    ) -> (frames: [STOMPFrame], error: STOMPError?) {
        var reader = STOMPReader(maxBodyBytes: limit)
        reader.version = version
        var (rest, frames) = (bytes, [STOMPFrame]())
        do throws(STOMPError) {
            while let piece = rest.readSlice(length: min(size, rest.readableBytes)), piece.readableBytes > 0 {
                reader.feed(piece)
                while let frame = try reader.next() { frames.append(frame) }
                expect(
                    reader.waitingBytes <= STOMPBounds.headBytes + limit + 1, "\(reader.waitingBytes) bytes wait")
            }
        } catch {
            return (frames, error)
        }
        return (frames, nil)
    }

    /// The frame as a client writes it.
    private static func written(_ frame: STOMPFrame, _ version: STOMPVersion) -> ByteBuffer {
        var buffer = ByteBuffer(string: frame.command.rawValue)
        let version = frame.command.isConnect ? .v10 : version
        for header in frame.headers {
            buffer.writeStaticString("\n")
            STOMPEscapes.write(header.name, version, into: &buffer)
            buffer.writeStaticString(":")
            STOMPEscapes.write(header.value, version, into: &buffer)
        }
        buffer.writeStaticString("\n\n")
        buffer.writeImmutableBuffer(frame.body)
        buffer.writeInteger(UInt8(0))
        return buffer
    }

    /// A publication with any tag, as a client reads it.
    private static func texts(_ input: FuzzInput) {
        var input = input
        let version = input.pick(STOMPVersion.allCases)
        let (name, value, id) = (ExactText(input.text()), ExactText(input.text()), ExactText(input.text()))
        guard let channel = try? ChannelName("news"),
            let tags = try? PublicationTags([.init(name: name, value: value)]),
            let lead = STOMPCodec.lead(id, version)
        else { return }
        expect(lead.count <= 255, "a lead of \(lead.count) bytes")
        let payload = Payload(kind: .binary, bytes: input.buffer)
        let publication = Publication(
            channel: channel, payload: payload, metadata: PublicationMetadata(tags: tags))
        var bytes = ByteBuffer(bytes: Array("SEND".utf8) + lead.dropFirst("MESSAGE".utf8.count))
        bytes.writeImmutableBuffer(STOMPCodec(STOMPForm(version)).body(publication).bytes)
        var reader = STOMPReader(maxBodyBytes: .max)
        reader.version = version
        reader.feed(bytes)
        guard let frame = try? reader.next() else { fatalError("no frame in \(String(buffer: bytes))") }
        expect(frame.body == payload.bytes && reader.waitingBytes == 0, "another body")
        expect(frame["subscription"] == id && frame["destination"] == "/topic/news", "other headers: \(frame)")
        let isSaid = !STOMPCodec.reserved.contains(name) && frame[name] != nil
        expect(!isSaid || frame[name] == value, "another value: \(frame)")
    }

    private static func destination(_ text: String) {
        for user: ExactText in ["", "u", "a#b", "a;b"] {
            guard let destination = try? STOMPDestination(ExactText(text), user: user, limit: 255) else { continue }
            expect(destination.text == ExactText(text), "'\(text)' is '\(destination.text)'")
            guard destination.form == .user else { continue }
            let boundary = ChannelBoundary(destination.channel)
            expect(boundary == .users([user]), "'\(text)' of \(user) is \(destination.channel)")
        }
    }
}
