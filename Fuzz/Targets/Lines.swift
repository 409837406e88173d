import NIOCore

@testable import FanfareWire

extension FuzzTarget {
    /// Publications as lines of an HTTP stream: each line is one JSON object of known members, which gives the payload back.
    static let lines = FuzzTarget(name: "lines", maxBytes: 512) { input in
        var input = input
        var stream = FramedStream(HTTPStreamFraming())
        var sent: [(payload: Payload, position: StreamPosition?)] = []
        while !input.isEmpty {
            if input.pick(8) == 0 { stream.add(HTTPStreamFraming.ping) }
            let position = input.position()
            let payload = input.payload()
            stream.add(payload, position)
            sent.append((payload, position))
        }
        stream.end()
        let lines = stream.bare.readableBytesView.split(separator: 0x0A)
        expect(lines.count == sent.count, "\(sent.count) publications are \(lines.count) lines")
        for (line, (payload, position)) in zip(lines, sent) { check(ByteBuffer(line), payload, position) }
    }

    private static func check(_ line: ByteBuffer, _ payload: Payload, _ position: StreamPosition?) {
        expect(ReferenceJSON.isValid(line.readableBytesView), "a line is no JSON: \(String(buffer: line))")
        let member: ExactText = payload.kind == .text ? "data" : "base64"
        guard let members = JSONMembers(line), let value = members[member] else {
            fatalError("no payload in \(String(buffer: line))")
        }
        expect(members.keys == (position == nil ? [member] : ["id", member]), "members \(members.keys)")
        expect(members["id"]?.string.flatMap { StreamPosition($0) } == position, "another position")
        let bytes = payload.bytes.readableBytesView
        switch payload.kind {
        case .binary:
            let back = value.string.flatMap { Base64.decode(Array($0.utf8)) }
            expect(back == Array(bytes), "binary came back as \(back ?? [])")
        case .text where ReferenceJSON.isValid(bytes):
            let spaced = bytes.map { $0 == 0x0A || $0 == 0x0D ? 0x20 : $0 }
            expect(spaced.trimmed.elementsEqual(value.bytes.readableBytesView), "JSON came back as another")
        case .text:
            expect(value.string.map { $0.utf8.elementsEqual(bytes) } == true, "a text came back as another")
        }
    }
}

extension [UInt8] {
    /// Without JSON's whitespace around it, on one line.
    fileprivate var trimmed: Self.SubSequence {
        let isSpace = { (byte: UInt8) in byte == 0x20 || byte == 0x09 }
        return drop(while: isSpace).dropLast(reversed().prefix(while: isSpace).count)
    }
}
