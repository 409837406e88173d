/// What HTTP tells a server to check in the head of a request before anything else: where its body ends, for whom it is, and
/// what its client expects (RFC 9110, RFC 9112). Pure. `llhttp` has taken the head apart by then, and refuses less than it
/// should.
struct RequestCheck: Sendable, Equatable {
    /// Why a request gets an error. Its connection ends: where a head is wrong, nobody knows where the next one begins.
    struct Refusal: Error, Sendable, Equatable {
        /// HTTP status.
        let status: Int
        /// For the person who reads the answer.
        let message: String

        static func bad(_ message: String) -> Refusal { Refusal(status: 400, message: message) }
    }

    /// Where the body ends.
    enum Body: Sendable, Equatable {
        case none
        /// Bytes, at least one; `Int.max` stands for every length that no `Int` can hold.
        case length(Int)
        case chunked
    }

    /// The host that the request is for: that of its target where it has one (RFC 9112 §3.2.2), else the field Host.
    let host: HostField?
    let body: Body
    /// Whether the body is something else than what it stands for (RFC 9110 §8.4).
    let isCompressed: Bool
    /// Whether the client holds its body back until it hears 100 (RFC 9110 §10.1.1).
    let awaitsContinue: Bool
    /// Whether it says so; in HTTP/2 a body needs no length.
    let expectsContinue: Bool

    /// - Parameters:
    ///   - version: major and minor.
    ///   - target: as received.
    ///   - values: the values of a header field by its name in lower case, list members not taken apart.
    init(version: (major: Int, minor: Int), target: String, values: (String) -> [String]) throws(Refusal) {
        guard version.major == 1 else { throw Refusal(status: 505, message: "this node speaks HTTP/1.1") }
        let isOld = version.minor == 0
        host = try Self.host(isOld: isOld, target: target, values("host"))
        let lengths = values("content-length")
        let codings = values("transfer-encoding")
        body = codings.isEmpty ? try Self.length(lengths) : .chunked
        if !codings.isEmpty { try Self.checkCodings(codings, isOld: isOld, hasLength: !lengths.isEmpty) }
        isCompressed = !Self.members(values("content-encoding")).allSatisfy { Self.isWord($0, "identity") }
        let expectations = isOld ? [] : Self.members(values("expect"))
        guard expectations.allSatisfy({ Self.isWord($0, "100-continue") }) else {
            throw Refusal(status: 417, message: "the only expectation that this node can meet is 100-continue")
        }
        expectsContinue = !expectations.isEmpty
        awaitsContinue = expectsContinue && body != .none
    }

    /// Whether the body, as far as the head tells, is within a limit.
    func fits(_ limit: Int) -> Bool {
        if case .length(let bytes) = body { return bytes <= limit }
        return true
    }

    /// RFC 9112 §3.2: exactly one Host, and one that can be read. HTTP/1.0 may do without.
    private static func host(isOld: Bool, target: String, _ fields: [String]) throws(Refusal) -> HostField? {
        guard fields.count == 1 || (isOld && fields.isEmpty) else { throw .bad("a request has one Host field") }
        var found: HostField?
        if let field = fields.first {
            found = HostField(field)
            guard found != nil else { throw .bad("the Host field is not a host with or without a port") }
        }
        guard let authority = authority(target) else { return found }
        guard let host = HostField(authority), !host.host.isEmpty else {
            throw .bad("the host in the target is not a host with or without a port")
        }
        return host
    }

    /// What stands between scheme and path of a target in absolute form.
    private static func authority(_ target: String) -> Substring.UTF8View? {
        for scheme in ["http://", "https://"] {
            guard target.utf8.count >= scheme.utf8.count,
                target.utf8.prefix(scheme.utf8.count).elementsEqual(scheme.utf8, by: { HostField.lowercased($0) == $1 })
            else { continue }
            let rest = target.utf8.dropFirst(scheme.utf8.count)
            return rest.prefix { !"/?#".utf8.contains($0) }
        }
        return nil
    }

    /// RFC 9110 §8.6: digits; more than one value only where all are the same.
    private static func length(_ fields: [String]) throws(Refusal) -> Body {
        guard !fields.isEmpty else { return .none }
        let values = members(fields)
        guard let value = values.first, value.allSatisfy(HostField.isDigit), values.allSatisfy({ $0 == value }) else {
            throw .bad("Content-Length is not one number")
        }
        // A number that needs more bits is a body above every limit, not a request without a body.
        let number = Int(String(decoding: value, as: UTF8.self)) ?? .max
        return number == 0 ? .none : .length(number)
    }

    /// RFC 9112 §6.1 and §6.3.
    private static func checkCodings(_ fields: [String], isOld: Bool, hasLength: Bool) throws(Refusal) {
        guard !isOld else { throw .bad("HTTP/1.0 has no Transfer-Encoding") }
        guard !hasLength else { throw .bad("a request has Content-Length or Transfer-Encoding, not both") }
        let codings = members(fields)
        guard let last = codings.last, isWord(last, "chunked"),
            codings.dropLast().allSatisfy({ !isWord($0, "chunked") })
        else { throw .bad("Transfer-Encoding must end with chunked, and have it once") }
        guard codings.count == 1 else {
            throw Refusal(status: 501, message: "the only transfer coding that this node knows is chunked")
        }
    }

    /// The members of a list field, without those that are empty (RFC 9110 §5.6.1).
    private static func members(_ fields: [String]) -> [ArraySlice<UInt8>] {
        fields.flatMap { field in
            Array(field.utf8).split(separator: UInt8(ascii: ",")).map { ListFromRight.trimmed($0) }.filter {
                !$0.isEmpty
            }
        }
    }

    private static func isWord(_ text: ArraySlice<UInt8>, _ word: String) -> Bool {
        text.elementsEqual(word.utf8, by: { HostField.lowercased($0) == $1 })
    }
}
