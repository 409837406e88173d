/// The server's side of the opening handshake (RFC 6455 §4.2), as a check of the request.
public enum OpeningHandshake {
    /// What the 101 says.
    public struct Acceptance: Sendable, Equatable {
        /// The client's `Sec-WebSocket-Key`, of which `Sec-WebSocket-Accept` is made.
        public var key: String
        /// `Sec-WebSocket-Protocol`; `nil`: none was asked for that the server speaks.
        public var subprotocol: String?
        /// permessage-deflate, when it was offered and can be had.
        public var deflate: DeflateAgreement?
    }

    /// Why there is no upgrade, as an HTTP answer.
    public struct Refusal: Error, Sendable {
        public var status: Int
        /// For a person.
        public var message: String
        /// Fields that the status asks for.
        public var headers: [(String, String)]
    }

    /// - Parameters:
    ///   - headers: the request's fields as received; names in any case, several of one name as RFC 9110 §5.3 has it.
    ///   - subprotocols: those that the server speaks; the client's order decides.
    ///   - deflate: how the server takes part in permessage-deflate; `nil`: not at all.
    public static func check(
        method: String, majorVersion: Int, minorVersion: Int, headers: some Sequence<(name: String, value: String)>,
        subprotocols: [String], deflate: DeflatePolicy? = nil
    ) -> Result<Acceptance, Refusal> {
        let fields = Fields(headers)
        guard method == "GET" else {
            return refuse(405, "a WebSocket is opened with GET", [("Allow", "GET")])
        }
        guard fields.hasToken("upgrade", "websocket") else {
            return refuse(
                426, "this path speaks WebSocket only", [("Upgrade", "websocket"), ("Connection", "Upgrade")])
        }
        guard (majorVersion, minorVersion) >= (1, 1) else { return refuse(400, "a WebSocket needs HTTP/1.1") }
        guard fields.hasToken("connection", "upgrade") else {
            return refuse(400, "the Connection header lacks the token Upgrade")
        }
        let lengths = fields.values("content-length")
        guard lengths.allSatisfy({ $0 == "0" }), fields.values("transfer-encoding").isEmpty else {
            // Whether its bytes are frames or a body is nothing that a node and a proxy before it may differ about.
            return refuse(400, "an upgrade has no body")
        }
        let versions = fields.values("sec-websocket-version")
        guard versions.count <= 1 else { return refuse(400, "Sec-WebSocket-Version must be there once") }
        guard versions == ["13"] else {
            return refuse(426, "only version 13 of WebSocket is spoken here", [("Sec-WebSocket-Version", "13")])
        }
        let keys = fields.values("sec-websocket-key")
        guard keys.count == 1, let key = keys.first, Base64.decode(key.utf8)?.count == 16 else {
            return refuse(400, "Sec-WebSocket-Key must be there once, with 16 bytes in Base64")
        }
        var offers: [ExtensionOffer] = []
        for value in fields.values("sec-websocket-extensions") {
            guard let some = ExtensionOffer.parse(value) else {
                return refuse(400, "Sec-WebSocket-Extensions is against its grammar (RFC 6455 section 9.1)")
            }
            offers += some
        }
        let wanted = fields.items("sec-websocket-protocol")
        return .success(
            Acceptance(
                key: key,
                subprotocol: wanted.first { item in subprotocols.contains { $0.hasSameBytes(as: item) } },
                deflate: deflate.flatMap { DeflateAgreement.negotiate(offers, $0) }))
    }

    private static func refuse(
        _ status: Int, _ message: String, _ headers: [(String, String)] = []
    ) -> Result<Acceptance, Refusal> {
        .failure(Refusal(status: status, message: message, headers: headers))
    }

    /// The fields of a request, looked through for each name: there are few, and most are never asked for.
    private struct Fields {
        private let all: [(name: String, value: String)]

        init(_ headers: some Sequence<(name: String, value: String)>) { all = Array(headers) }

        /// - Parameter name: in lower case.
        func values(_ name: String) -> [String] {
            all.filter { Self.isSame($0.name.utf8, name.utf8) }.map { Self.trimmed($0.value[...]) }
        }

        /// The members of all lists of that name (RFC 9110 §5.6.1).
        func items(_ name: String) -> [String] {
            values(name).flatMap { $0.utf8.split(separator: UInt8(ascii: ",")).map { Self.trimmed(Substring($0)) } }
                .filter { !$0.isEmpty }
        }

        /// Whether one of them is `word`.
        func hasToken(_ name: String, _ word: StaticString) -> Bool { items(name).contains { $0.isToken(word) } }

        private static func isSame(_ name: String.UTF8View, _ lowercase: String.UTF8View) -> Bool {
            name.count == lowercase.count
                && name.elementsEqual(lowercase) { byte, wanted in
                    (UInt8(ascii: "A")...UInt8(ascii: "Z") ~= byte ? byte | 0x20 : byte) == wanted
                }
        }

        private static func trimmed(_ text: Substring) -> String {
            var bytes = text.utf8
            while let first = bytes.first, first == 0x20 || first == 0x09 { bytes.removeFirst() }
            while let last = bytes.last, last == 0x20 || last == 0x09 { bytes.removeLast() }
            return String(Substring(bytes))
        }
    }
}
