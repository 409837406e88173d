/// What became of the publications of a run.
struct PublishTally: Sendable {
    /// Handed to a publisher when their time came.
    var due = 0
    /// Given to the kernel.
    var sent = 0
    /// The server has it.
    var accepted = 0
    /// The server said no.
    var refused = Reasons()
    /// The connection ended before the answer, or the run did.
    var unanswered = 0
    /// Never sent: the server took them too slowly, or its connection had ended.
    var unsent = 0
    /// Deliveries that the accepted ones should make.
    var expected = 0
    /// Why connections of the publisher ended.
    var linksEnded = Reasons()
    /// How much after its time a publication was handed to its publisher: the load generator's own lateness.
    var lateness = Tally.times()
    /// From that moment to the server's answer.
    var answer = Tally.times()
    /// When publishing began and ended; ``MonotonicClock``.
    var began: Int64 = 0
    var ended: Int64 = 0
}
