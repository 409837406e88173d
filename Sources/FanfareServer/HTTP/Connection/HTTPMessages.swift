import HTTPTypes
import NIOCore
import NIOHTTP1

/// The edge between HTTP/1.1 and what all versions of HTTP share. `NIOHTTPTypesHTTP1` is not used here: it forgets the version
/// and the Host field that were sent, and takes each target apart with Foundation.
extension HTTPRequest {
    /// - Returns: `nil` where the method or the name of a field is against the grammar.
    init?(_ head: HTTPRequestHead, isSecure: Bool) {
        guard let method = Method(head.method.rawValue) else { return nil }
        var fields = HTTPFields()
        fields.reserveCapacity(head.headers.count)
        for (name, value) in head.headers {
            guard let name = HTTPField.Name(name) else { return nil }
            // Host is the request's authority.
            if name.canonicalName != "host" { fields.append(HTTPField(name: name, value: value)) }
        }
        self.init(
            method: method, scheme: isSecure ? "https" : "http", authority: head.headers.first(name: "host"),
            path: Self.originForm(head.uri), headerFields: fields)
    }

    /// Path and query of a target, also of one with scheme and host (RFC 9112 §3.2.2; RFC 6455 §4.2.1).
    static func originForm(_ target: String) -> String {
        // Bytes, not characters: every request comes through here.
        guard target.utf8.first != UInt8(ascii: "/") else { return target }
        for scheme in ["http://", "https://"] where target.utf8.starts(with: scheme.utf8) {
            let rest = target.utf8.dropFirst(scheme.utf8.count).drop { !"/?#".utf8.contains($0) }
            return rest.first == UInt8(ascii: "/") ? String(Substring(rest)) : "/" + String(Substring(rest))
        }
        return target
    }
}

extension HTTPResponse {
    /// Appends status line and fields as HTTP/1.1 has them (RFC 9112 §4 and §5). Values of `HTTPField` hold no line breaks.
    func write(into buffer: inout ByteBuffer) {
        buffer.writeStaticString("HTTP/1.1 ")
        buffer.writeString(String(status.code))
        buffer.writeStaticString(" ")
        buffer.writeString(
            status.reasonPhrase.isEmpty
                ? HTTPResponseStatus(statusCode: status.code).reasonPhrase : status.reasonPhrase)
        buffer.writeStaticString("\r\n")
        for field in headerFields {
            buffer.writeString(field.name.rawName)
            buffer.writeStaticString(": ")
            buffer.writeString(field.value)
            buffer.writeStaticString("\r\n")
        }
        buffer.writeStaticString("\r\n")
    }
}

extension HTTPResponse.Status {
    /// Whether an answer with this status may have a body, and says how long it is (RFC 9110 §8.6).
    var hasContent: Bool { kind != .informational && code != 204 && code != 304 }
}

extension HTTPField.Name {
    /// With what a poller comes back for what is kept for it.
    static let fanfareCursor = HTTPField.Name("Fanfare-Cursor")!
    /// Which node answered.
    static let fanfareNode = HTTPField.Name("Fanfare-Node")!
    /// What became of a publication that was not confirmed.
    static let fanfareOutcome = HTTPField.Name("Fanfare-Outcome")!
    /// Where the first publication of the answer stands in its channel.
    static let fanfarePosition = HTTPField.Name("Fanfare-Position")!
    static let lastEventID = HTTPField.Name("Last-Event-ID")!
    static let forwarded = HTTPField.Name("Forwarded")!
    static let referrerPolicy = HTTPField.Name("Referrer-Policy")!
    /// Asks nginx not to hold back parts of an answer.
    static let xAccelBuffering = HTTPField.Name("X-Accel-Buffering")!
    static let xForwardedFor = HTTPField.Name("X-Forwarded-For")!
    static let xForwardedProto = HTTPField.Name("X-Forwarded-Proto")!
}
