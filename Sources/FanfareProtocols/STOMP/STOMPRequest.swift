/// What may begin.
public struct STOMPRequest: Sendable, Equatable {
    enum Kind: Sendable, Equatable {
        case frame(STOMPFrame)
        /// To read what the subscription of that number did not get.
        case readOn(UInt32)
    }

    let kind: Kind
    /// Whether it is the first that ended in its message, which was charged when it came.
    let isFirst: Bool

    init(_ kind: Kind, isFirst: Bool = true) { (self.kind, self.isFirst) = (kind, isFirst) }

    var frame: STOMPFrame? { if case .frame(let frame) = kind { frame } else { nil } }
    var isReadOn: Bool { if case .readOn = kind { true } else { false } }
}
