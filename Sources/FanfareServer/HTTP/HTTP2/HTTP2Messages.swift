import HTTPTypes
import NIOHPACK

/// The edge between HTTP/2 and what all versions of HTTP share (RFC 9113 §8).
extension HTTPRequest {
    /// NIO has seen to the pseudo-header fields: those that must be there are, once and in front.
    ///
    /// - Returns: `nil` where the method, the path or the name of a field is against the grammar, also for CONNECT, or where Host
    ///   is another one than the authority (§8.3.1).
    init?(_ headers: HPACKHeaders) {
        guard let method = headers.first(name: ":method").flatMap({ Method($0) }),
            let path = headers.first(name: ":path"),
            path.utf8.first == UInt8(ascii: "/") || path.utf8.elementsEqual("*".utf8)
        else { return nil }
        let authority = headers.first(name: ":authority")
        let hosts = headers[canonicalForm: "host"]
        guard hosts.count <= 1, authority == nil || hosts.allSatisfy({ $0.utf8.elementsEqual((authority ?? "").utf8) })
        else { return nil }
        var fields = HTTPFields()
        fields.reserveCapacity(headers.count)
        for (name, value, _) in headers where name.utf8.first != UInt8(ascii: ":") {
            guard let name = HTTPField.Name(name) else { return nil }
            if name.canonicalName != "host" { fields.append(HTTPField(name: name, value: value)) }
        }
        self.init(
            method: method, scheme: "https", authority: authority ?? hosts.first, path: path, headerFields: fields)
    }
}

extension HPACKHeaders {
    /// The head of an answer. Fields that speak about a connection of HTTP/1.1 are left out (§8.2.2).
    ///
    /// The client says how much the encoder may remember, up to 4 GB, and NIO believes it: so only what is the same in all answers is
    /// offered to its table, and never what a client chose.
    init(_ response: HTTPResponse) {
        self.init()
        reserveCapacity(response.headerFields.count + 1)
        add(name: ":status", value: String(response.status.code), indexing: .indexable)
        for field in response.headerFields where !Self.ofConnections.contains(field.name) {
            add(
                name: field.name.canonicalName, value: field.value,
                indexing: Self.fixed.contains(field.name) ? .indexable : .nonIndexable)
        }
    }

    /// Fields of which there are a handful of values, all of them the node's own.
    private static let fixed: Set<HTTPField.Name> = [
        .cacheControl, .contentType, .fanfareNode, .vary, .xAccelBuffering,
    ]
    private static let ofConnections: Set<HTTPField.Name> = [.connection, .transferEncoding, .upgrade]
}
