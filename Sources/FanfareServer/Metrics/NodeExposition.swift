/// The answer to a scrape: every metric of ``Metric/all`` with its value now.
struct NodeExposition {
    let context: AdminContext

    /// The text. Any thread: everything it reads is atomic, no event loop is visited.
    func render() -> String {
        let source = Metric.Source(context)
        var text = Exposition()
        for metric in Metric.all { metric.write(source, to: &text) }
        return text.text
    }
}
