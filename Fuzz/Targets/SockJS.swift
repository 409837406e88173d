import FanfareCore
import HTTPTypes
import NIOCore

@testable import FanfareServer
@testable import FanfareWire

extension FuzzTarget {
    /// SockJS: what clients send is JSON and text, frames give back what was put into them, on every transport one script or line;
    /// paths and callbacks say nothing else than they should.
    static let sockjs = FuzzTarget(name: "sockjs", maxBytes: 1_024) { input in
        var input = input
        switch input.pick(4) {
        case 0: body(input.buffer)
        case 1: frames(input)
        case 2: path(input.remainder)
        default: callback(input.remainder)
        }
    }

    private static func body(_ bytes: ByteBuffer) {
        for allowsString in [false, true] {
            guard SockJSMessages.check(bytes, allowsString: allowsString) == .messages else { continue }
            expect(ReferenceJSON.isValid(bytes.readableBytesView), "a body that is no JSON")
        }
        var (rest, count, length) = (bytes, 0, 0)
        while let message = SockJSMessages.next(in: &rest) {
            (count, length) = (count + 1, length + message.readableBytes)
            expect(message.withUnsafeReadableBytes { UTF8Validator.isValid($0) }, "a message that is no text")
        }
        expect(rest.readableBytes == 0 || SockJSMessages.check(bytes) != .messages, "something is left")
        expect(count <= bytes.readableBytes / 2 && length <= bytes.readableBytes, "\(count) messages, \(length) bytes")
        guard SockJSMessages.check(bytes) == .messages else { return }
        let elements = JSONMembers(ByteBuffer(string: "{\"a\":" + String(buffer: bytes) + "}"))?["a"]?.elements
        expect(elements?.count == count, "\(count) messages of \(elements?.count ?? -1)")
    }

    private static func frames(_ input: FuzzInput) {
        var input = input
        var (sent, kept) = ([String](), ByteBuffer())
        while !input.isEmpty {
            let text = input.text()
            sent.append(text)
            let message = SockJSMessageFraming().seal(Body(Payload(text: text)))
            expect(message.readableBytesView.firstIndex(of: 10) == message.writerIndex - 1, "an end within a message")
            kept.writeImmutableBuffer(message)
        }
        let frame = SockJSFrame.messages(kept)
        expect(frame.readableBytesView.allSatisfy { $0 >= 0x20 }, "a control character in a frame")
        var list = frame.getSlice(at: frame.readerIndex + 1, length: frame.readableBytes - 1) ?? ByteBuffer()
        expect(ReferenceJSON.isValid(list.readableBytesView), "a frame is no JSON")
        for text in sent {
            let back = SockJSMessages.next(in: &list)
            expect(back.map { $0.readableBytesView.elementsEqual(text.utf8) } == true, "another text")
        }
        for form in [SockJSReceiving.jsonp(callback: "f"), .htmlFile(callback: "f")] {
            let script = String(buffer: form.wrap(frame))
            guard let start = script.utf8.firstIndex(of: UInt8(ascii: "(")),
                let end = script.utf8.lastIndex(of: UInt8(ascii: ")"))
            else { fatalError("no call in \(script)") }
            let argument = ByteBuffer(string: String(script[script.utf8.index(after: start)..<end]))
            expect(!argument.readableBytesView.contains(UInt8(ascii: "<")), "a tag in \(script)")
            let read = JSONMembers.Value(bytes: argument).string
            expect(read.map { $0.utf8.elementsEqual(frame.readableBytesView) } == true, "another frame in \(script)")
        }
    }

    private static func path(_ rest: String) {
        guard case .session(let id, let transport) = SockJSPath(rest) else { return }
        expect((1...SockJSPath.idBytes).contains(id.utf8.count), "an id of \(id.utf8.count) bytes")
        expect(!id.utf8.contains(UInt8(ascii: "/")) && !id.utf8.contains(UInt8(ascii: ".")), "id '\(id)'")
        expect(SockJSPath("/0/\(id)/\(transport.rawValue)") == .session(id, transport), "'\(id)' is read otherwise")
    }

    private static func callback(_ name: String) {
        guard SockJSReceiving.isCallback(name, isShort: false) else { return }
        let isName = name.unicodeScalars.allSatisfy { scalar in
            ("a"..."z").contains(scalar) || ("A"..."Z").contains(scalar) || ("0"..."9").contains(scalar)
                || ["-", "_", "."].contains(scalar)
        }
        expect(isName && !name.isEmpty, "callback '\(name)'")
    }
}
