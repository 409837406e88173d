/// A promise that was broken, with what is needed to find out why.
package struct Violation: Sendable, Encodable, CustomStringConvertible {
    package enum Kind: String, Sendable, Encodable, CaseIterable {
        /// A publication that others got, or that was acknowledged, and that never came.
        case lost
        /// It came twice.
        case repeated
        /// It came after a later one, or a publisher's publications stand in the stream in another order.
        case reordered
        /// It is of another channel, another run, or of nobody; or not what others saw at that place.
        case foreign
        /// A client had to begin anew though all data was kept.
        case told
        /// What must come back did not in time.
        case unhealed
    }

    package let kind: Kind
    /// Seconds since the run began.
    package let seconds: Double
    /// Number of the fault that began last.
    package let fault: Int
    /// `nil`: it concerns all clients.
    package let client: Int?
    package let channel: Int?
    package let detail: String

    package var description: String {
        let who = client.map { "client \($0), " } ?? ""
        let place = channel.map { "channel \($0): " } ?? ""
        return "\(kind.rawValue) at \(seconds.oneDigit) s, fault \(fault): \(who)\(place)\(detail)"
    }
}

extension Double {
    /// Rounded for a person.
    var oneDigit: String { "\((self * 10).rounded() / 10)" }
}
