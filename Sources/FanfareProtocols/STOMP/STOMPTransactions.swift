import FanfareCore
import FanfareWire

/// What a client said within transactions that are not committed ("BEGIN"). It costs the node memory and nothing else, and the bounds are for
/// all transactions of a client together.
struct STOMPTransactions: Sendable {
    /// What a transaction does when it is committed.
    enum Step: Sendable {
        case send(STOMPPublication)
        case acknowledge(STOMPAcknowledgement)
    }

    private struct Transaction {
        let id: ExactText
        var steps: [Step] = []
        var bytes: Int
    }

    private var open: [Transaction] = []
    /// Steps of all of them.
    private(set) var count = 0
    /// Bytes of all of them, about.
    private(set) var bytes = 0

    init() {}

    /// Those among the steps of all of them that have messages sent again.
    var nacks: Int {
        open.reduce(0) { sum, transaction in
            sum + transaction.steps.count { if case .acknowledge(let step) = $0 { step.isNack } else { false } }
        }
    }

    mutating func begin(_ id: ExactText) throws(STOMPError) {
        guard id.utf8.count <= STOMPBounds.transactionIDBytes else {
            throw STOMPError("BEGIN: a transaction's id has at most \(STOMPBounds.transactionIDBytes) bytes")
        }
        guard index(id) == nil else { throw STOMPError("BEGIN: the transaction '\(id)' is open already") }
        guard open.count < STOMPBounds.transactions else {
            throw STOMPError("BEGIN: a client may have \(STOMPBounds.transactions) transactions", .policyViolation)
        }
        open.append(Transaction(id: id, bytes: 0))
    }

    /// Keeps a step until the transaction is committed.
    mutating func add(_ step: Step, to id: ExactText, within policy: STOMPSession.Policy) throws(STOMPError) {
        guard let index = index(id) else { throw Self.unknown(id) }
        let (size, most) = (step.bytes, STOMPBounds.transactionMessages * policy.maxMessageBytes)
        guard count < STOMPBounds.transactionFrames, bytes + size <= most else {
            throw STOMPError(
                "a client's transactions hold at most \(STOMPBounds.transactionFrames) frames and \(most) bytes",
                .policyViolation)
        }
        open[index].steps.append(step)
        open[index].bytes += size
        count += 1
        bytes += size
    }

    /// Ends a transaction.
    ///
    /// - Returns: its steps, in their order.
    mutating func end(_ id: ExactText) throws(STOMPError) -> [Step] {
        guard let index = index(id) else { throw Self.unknown(id) }
        let transaction = open.remove(at: index)
        count -= transaction.steps.count
        bytes -= transaction.bytes
        return transaction.steps
    }

    private func index(_ id: ExactText) -> Int? { open.firstIndex { $0.id == id } }

    private static func unknown(_ id: ExactText) -> STOMPError {
        let start = String(id.string.prefix(STOMPBounds.quotedBytes))
        return STOMPError("there is no transaction '\(start)'")
    }
}

extension STOMPTransactions.Step {
    /// Bytes of memory, about.
    fileprivate var bytes: Int {
        switch self {
        case .acknowledge: STOMPBounds.transactionFrameBytes
        case .send(let publication):
            publication.payload.bytes.readableBytes + publication.tags.size
                + (1 + publication.tags.count) * STOMPBounds.transactionFrameBytes
        }
    }
}

/// A commit whose publications are under way.
struct STOMPCommit: Sendable {
    /// Publications without an outcome.
    var left: Int
    let receipt: ExactText?
}
