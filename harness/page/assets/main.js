const data = JSON.parse(document.getElementById("data").textContent);
document.documentElement.classList.add("runs");
for (const table of document.querySelectorAll("table.sortable")) makeSortable(table);
addColumnButtons();
buildCells(data.searches);
buildBudget(data.forest);
const curves = buildCurves(data);
followLinks(buildFilters(data.searches, (wanted) => curves.filter(wanted)), data.searches);
// What is folded is missing on paper, apart from each search's own trials, which could be hundreds of pages.
window.addEventListener("beforeprint", () => {
  for (const fold of document.querySelectorAll("main > section > details")) fold.open = true;
});
