import HTTPTypes
import NIOHPACK

@testable import FanfareServer

extension FuzzTarget {
    /// HTTP/2: how many frames a client's bytes begin, however they are cut, and what a head of a request means.
    static let http2 = FuzzTarget(name: "http2", maxBytes: 1_024) { input in
        var input = input
        if input.bool() { frames(&input) } else { head(&input) }
    }

    private static func frames(_ input: inout FuzzInput) {
        var seed = UInt32(input.byte())
        let weight = 1 + input.pick(40)
        let bytes = input.rest
        var whole = HTTP2FrameWalker()
        let (walked, count) = whole.walk(bytes)
        expect(walked == bytes.count, "\(walked) of \(bytes.count) bytes")
        expect(count == reference(bytes), "\(count) frames, \(reference(bytes)) by the lengths")
        var cut = HTTP2FrameWalker()
        var (rest, sum) = (input, 0)
        while !rest.isEmpty {
            seed = seed &* 1_664_525 &+ 1_013_904_223
            sum += cut.walk(rest.bytes(1 + Int(seed >> 24) % 16)).frames
        }
        expect(sum == count, "\(count) in one piece, \(sum) cut")
        var (turns, left, passed) = (HTTP2FrameWalker(), bytes, 0)
        while !left.isEmpty {
            let turn = turns.walk(left, weight: weight)
            expect(turn.bytes > 0 && turn.frames <= weight, "a turn of \(turn) for a weight of \(weight)")
            passed += turn.frames
            left = UnsafeRawBufferPointer(rebasing: left.dropFirst(turn.bytes))
        }
        expect(passed == count, "\(count) at once, \(passed) in turns")
    }

    private static func reference(_ bytes: UnsafeRawBufferPointer) -> Int {
        var (at, count) = (24, 0)
        while at + 9 <= bytes.count {
            count += 1
            at += 9 + bytes[at..<at + 3].reduce(0) { $0 << 8 | Int($1) }
        }
        return count
    }

    private static func head(_ input: inout FuzzInput) {
        var headers = HPACKHeaders()
        while !input.isEmpty, headers.count < 16 {
            let name = input.pick([":method", ":path", ":authority", "host", "cookie", "connection", ""])
            let own = input.text()
            // NIO makes no field of a name that is not ASCII.
            let isName = own.utf8.allSatisfy { $0 < 0x80 }
            headers.add(name: name.isEmpty && isName ? own : name, value: input.text())
        }
        guard let request = HTTPRequest(headers) else { return }
        let path = request.path ?? ""
        expect(path.utf8.first == UInt8(ascii: "/") || path.utf8.elementsEqual("*".utf8), "path '\(path)'")
        expect(!request.headerFields.contains { $0.name.canonicalName == "host" }, "Host is among the fields")
        // What no field may have is replaced by spaces; the check of all requests refuses these.
        for host in headers[canonicalForm: "host"] where HTTPField.isValidValue(host) {
            expect(host.utf8.elementsEqual((request.authority ?? "").utf8), "for '\(host)', and not for it")
        }
        let answer = HPACKHeaders(HTTPResponse(status: .ok, headerFields: request.headerFields))
        for name in ["connection", "transfer-encoding", "upgrade"] {
            expect(!answer.contains(name: name), "\(name) in an answer")
        }
    }
}
