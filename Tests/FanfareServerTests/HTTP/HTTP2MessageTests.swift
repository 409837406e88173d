import FanfareTestKit
import HTTPTypes
import NIOHPACK
import Testing

@testable import FanfareServer

@Suite("HTTP/2 messages")
struct HTTP2MessageTests {
    private func request(_ fields: (String, String)...) -> HTTPRequest? {
        HTTPRequest(HPACKHeaders([(":method", "GET"), (":scheme", "https")] + fields))
    }

    @Test("a request has path, authority and fields; Host stands in for the authority, and may not be another one")
    func requests() {
        let whole = request(
            (":authority", "a:1"), (":path", "/x?y"), ("cookie", "a=b"), ("cookie", "c=d"), ("host", "a:1"))
        #expect(
            whole?.path == "/x?y" && whole?.authority == "a:1"
                && whole?.headerFields[values: .cookie] == ["a=b", "c=d"])
        #expect(whole?.headerFields.count == 2)
        #expect(request((":path", "/"), ("host", "b"))?.authority == "b")
        #expect(request((":authority", "a"), (":path", "/"), ("host", "b")) == nil)
        #expect(request((":path", "/"), ("host", "a"), ("host", "a")) == nil)
        #expect(request((":authority", "a"), (":path", "x")) == nil)
        #expect(request((":authority", "a")) == nil)
        #expect(request((":authority", "a"), (":path", "/"), ("a b", "c")) == nil)
        #expect(request((":authority", "a"), (":path", "*"))?.path == "*")
    }

    @Test("an answer says nothing about connections")
    func answers() {
        let response = HTTPResponse(
            status: .ok,
            headerFields: [
                .connection: "close", .transferEncoding: "chunked", .upgrade: "websocket", .contentType: "text/plain",
            ])
        let headers = HPACKHeaders(response).map { "\($0.name): \($0.value)" }
        #expect(headers == [":status: 200", "content-type: text/plain"])
    }

    @Test("the client's table is offered nothing that a client chose")
    func table() {
        let response = HTTPResponse(
            status: .ok,
            headerFields: [
                .accessControlAllowOrigin: "https://a.example", .contentLength: "5", .fanfarePosition: "1.a",
                .fanfareNode: "n", .retryAfter: "3", .vary: "Origin",
            ])
        let offered = HPACKHeaders(response).filter { if case .indexable = $0.indexable { true } else { false } }
        #expect(offered.map(\.name) == [":status", "fanfare-node", "vary"])
    }

    @Test("frames are counted by their heads, however the bytes are cut", arguments: [1, 2, 9, 10, 1_000])
    func counts(_ piece: Int) {
        let preface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)
        let frames = [
            HTTP2TestFrame(.settings), .init(.ping, Array(repeating: 9, count: 8)), .windowUpdate(0, 1),
            .reset(1), .init(.data, stream: 1, Array(repeating: 1, count: 300)), .init(.settings, flags: 1),
        ]
        // A head that is not complete is no frame yet.
        let bytes = preface + frames.flatMap(\.bytes) + [0, 0, 1, 4]
        var walker = HTTP2FrameWalker()
        var (rest, count) = (bytes[...], 0)
        while !rest.isEmpty {
            count += Array(rest.prefix(piece)).withUnsafeBytes { walker.walk($0).frames }
            rest = rest.dropFirst(piece)
        }
        #expect(count == frames.count && walker.resets == 1)
    }

    @Test("a turn ends behind a frame, and takes fewer of those that begin requests")
    func turns() {
        let preface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)
        let frames = (0..<20).flatMap { [HTTP2TestFrame.request($0 * 2 + 1, "/"), .windowUpdate(0, 1)] }
        var walker = HTTP2FrameWalker()
        var (rest, counts) = ((preface + frames.flatMap(\.bytes))[...], [Int]())
        while !rest.isEmpty {
            let turn = Array(rest).withUnsafeBytes { walker.walk($0, weight: 20) }
            rest = rest.dropFirst(turn.bytes)
            counts.append(turn.frames)
        }
        #expect(counts == [8, 8, 8, 8, 8])
    }
}
