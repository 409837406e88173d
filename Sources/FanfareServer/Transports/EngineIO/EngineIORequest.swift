import FanfareWire
import HTTPTypes

/// What a request of Engine.IO asks for, by its method and query: `?EIO=4&transport=polling&sid=…`. Pure.
struct EngineIORequest: Equatable {
    enum Kind: Equatable {
        /// A session begins.
        case open
        /// The client fetches what its session says.
        case poll(SessionID)
        /// The client says something to its session.
        case post(SessionID)
        /// A session begins on a WebSocket.
        case openSocket
        /// A session's WebSocket.
        case socket(SessionID)
    }

    let kind: Kind

    /// Checks in the reference's order: transport, session, method, version.
    ///
    /// - Parameters:
    ///   - target: path and query as they were sent.
    ///   - isUpgrade: whether the request is one to a WebSocket.
    init(_ method: HTTPRequest.Method, _ target: String, isUpgrade: Bool) throws(EngineIOError) {
        var version: Substring?
        var transport: Substring?
        var sid: Substring?
        for item in QueryItems(target) {
            let value = Substring(item.value)
            if item.name.elementsEqual("EIO".utf8) { version = version ?? value }
            if item.name.elementsEqual("transport".utf8) { transport = transport ?? value }
            if item.name.elementsEqual("sid".utf8) { sid = sid ?? value }
        }
        let isPolling = transport?.utf8.elementsEqual("polling".utf8) == true
        guard isPolling || transport?.utf8.elementsEqual("websocket".utf8) == true else { throw .unknownTransport }
        guard let sid, !sid.isEmpty else {
            guard method == .get else { throw .badHandshakeMethod }
            guard isPolling || isUpgrade else { throw .badRequest }
            guard version?.utf8.elementsEqual("4".utf8) == true else { throw .unsupportedVersion }
            kind = isPolling ? .open : .openSocket
            return
        }
        guard let session = SessionID(ExactText(sid)) else { throw .unknownSession }
        switch (isPolling, method) {
        case (true, .get) where !isUpgrade: kind = .poll(session)
        case (true, .post): kind = .post(session)
        case (false, .get) where isUpgrade: kind = .socket(session)
        default: throw .badRequest
        }
    }
}
