import FanfareWire

/// A version of the protocol. What differs between them: escapes, carriage returns, and which headers a frame must have.
public enum STOMPVersion: String, CaseIterable, Comparable, Sendable {
    case v10 = "1.0"
    case v11 = "1.1"
    case v12 = "1.2"

    /// The newest one that client and node speak; `nil`: there is none.
    ///
    /// - Parameter list: the header accept-version, as in `1.0,1.1,1.2`; `nil`: a client of 1.0, which has no such header.
    public static func newest(of list: ExactText?) -> STOMPVersion? {
        guard let list else { return .v10 }
        return list.string.utf8.split(separator: UInt8(ascii: ","), maxSplits: STOMPBounds.versions)
            .compactMap { part in
                allCases.first { $0.rawValue.utf8.elementsEqual(part.lazy.filter { $0 != UInt8(ascii: " ") }) }
            }
            .max()
    }

    /// All, as the answer to a client has them that speaks none.
    static let list = allCases.map(\.rawValue).joined(separator: ",")

    public static func < (left: STOMPVersion, right: STOMPVersion) -> Bool { left.rawValue < right.rawValue }
}
