import FanfareWire
import HTTPTypes
import Testing

@testable import FanfareServer

@Suite("Engine.IO: what a request asks for")
struct EngineIORequestTests {
    private let sid = SessionID.make(for: .make(node: .random(), loop: 3))

    private func kind(
        _ query: String, _ method: HTTPRequest.Method = .get, isUpgrade: Bool = false
    ) -> Result<EngineIORequest.Kind, EngineIOError> {
        do throws(EngineIOError) {
            return .success(try EngineIORequest(method, "/socket.io/?" + query, isUpgrade: isUpgrade).kind)
        } catch {
            return .failure(error)
        }
    }

    @Test("a session begins with GET, by polling or on a WebSocket, whatever else the query has")
    func open() {
        #expect(kind("EIO=4&transport=polling") == .success(.open))
        #expect(kind("t=abc&b64=1&transport=polling&EIO=4&sid=") == .success(.open))
        #expect(kind("EIO=4&transport=websocket", isUpgrade: true) == .success(.openSocket))
    }

    @Test("a request of a session is a poll, a POST or its WebSocket, and needs no version")
    func sessions() {
        #expect(kind("EIO=4&transport=polling&sid=\(sid.text)") == .success(.poll(sid)))
        #expect(kind("transport=polling&sid=\(sid.text)", .post) == .success(.post(sid)))
        #expect(kind("EIO=4&transport=websocket&sid=\(sid.text)", isUpgrade: true) == .success(.socket(sid)))
    }

    @Test("errors are told in the reference's order: transport, session, method, version")
    func errors() {
        #expect(kind("EIO=4") == .failure(.unknownTransport))
        #expect(kind("EIO=4&transport=abc", .put) == .failure(.unknownTransport))
        #expect(kind("EIO=4&transport=Polling") == .failure(.unknownTransport))
        #expect(kind("EIO=4&transport=polling&sid=abc", .put) == .failure(.unknownSession))
        for method in [HTTPRequest.Method.post, .put, .delete, .head] {
            #expect(kind("EIO=4&transport=polling", method) == .failure(.badHandshakeMethod))
        }
        #expect(kind("EIO=4&transport=websocket") == .failure(.badRequest), "no upgrade")
        for version in ["", "EIO=3&", "EIO=5&", "EIO=abc&", "EIO=&", "EIO=04&", "EIO=3&EIO=4&"] {
            #expect(kind(version + "transport=polling") == .failure(.unsupportedVersion), "\(version)")
        }
        #expect(kind("EIO=4&transport=polling&sid=\(sid.text)", .put) == .failure(.badRequest))
        #expect(kind("EIO=4&transport=polling&sid=\(sid.text)", isUpgrade: true) == .failure(.badRequest))
        #expect(kind("EIO=4&transport=websocket&sid=\(sid.text)", .post) == .failure(.badRequest))
    }

    @Test("a session's address says where it is, and keeps its secret")
    func address() {
        let address = SessionAddress(engineIO: sid)
        #expect(address.node == sid.client.node && address == SessionAddress(engineIO: sid))
        let other = SessionAddress(engineIO: .make(for: sid.client))
        #expect(other.name == address.name && other.proof != address.proof)
        #expect(!address.name.string.contains(sid.text.suffix(32)))
    }
}
