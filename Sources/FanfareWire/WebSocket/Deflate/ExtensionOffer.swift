/// One element of `Sec-WebSocket-Extensions` (RFC 6455 §9.1): a name and its parameters, in the client's order.
struct ExtensionOffer: Equatable {
    struct Parameter: Equatable {
        let name: String
        /// `nil`: there was no equals sign.
        let value: String?
    }

    let name: String
    var parameters: [Parameter] = []

    /// The elements of a field's value; `nil` when it is against the grammar, which ends the handshake.
    static func parse(_ value: String) -> [ExtensionOffer]? {
        var parser = Parser(rest: value.utf8[...])
        return parser.list()
    }

    private struct Parser {
        var rest: Substring.UTF8View

        mutating func list() -> [ExtensionOffer]? {
            var offers: [ExtensionOffer] = []
            while true {
                skipSpace()
                // Empty elements of a list are passed over (RFC 9110 §5.6.1.2).
                if take(",") { continue }
                if rest.isEmpty { return offers }
                guard let offer = offer() else { return nil }
                offers.append(offer)
                guard rest.isEmpty || take(",") else { return nil }
            }
        }

        private mutating func offer() -> ExtensionOffer? {
            guard let name = token() else { return nil }
            var offer = ExtensionOffer(name: name)
            skipSpace()
            while take(";") {
                skipSpace()
                guard let name = token() else { return nil }
                skipSpace()
                var value: String?
                if take("=") {
                    skipSpace()
                    value = take("\"") ? quoted() : token()
                    guard value != nil else { return nil }
                    skipSpace()
                }
                offer.parameters.append(Parameter(name: name, value: value))
            }
            return offer
        }

        /// What is within quotation marks has to be a token too, so nothing in it needs a backslash.
        private mutating func quoted() -> String? {
            guard let text = token(), take("\"") else { return nil }
            return text
        }

        /// RFC 9110 §5.6.2.
        private mutating func token() -> String? {
            let text = rest.prefix { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"):
                    true
                default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
                }
            }
            rest = rest.dropFirst(text.count)
            return text.isEmpty ? nil : String(Substring(text))
        }

        private mutating func take(_ character: Unicode.Scalar) -> Bool {
            guard rest.first == UInt8(ascii: character) else { return false }
            rest.removeFirst()
            return true
        }

        private mutating func skipSpace() { rest = rest.drop { $0 == 0x20 || $0 == 0x09 } }
    }
}
