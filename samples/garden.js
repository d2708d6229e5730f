// A garden's watering plan: which beds are thirsty today, and how much water they want.

const beds = [
  { name: 'tomatoes', areaSquareMetres: 4, litresPerSquareMetre: 5, lastWateredDaysAgo: 2 },
  { name: 'lavender', areaSquareMetres: 2, litresPerSquareMetre: 1, lastWateredDaysAgo: 6 },
  { name: 'lettuce', areaSquareMetres: 3, litresPerSquareMetre: 4, lastWateredDaysAgo: 1 },
];

function litresFor(bed) {
  return bed.areaSquareMetres * bed.litresPerSquareMetre;
}

function isThirsty(bed) {
  return bed.lastWateredDaysAgo >= 2;
}

function totalLitres(beds) {
  let total = 0;
  for (const bed of beds) {
    total += litresFor(bed);
  }
  return total;
}

function thirstyBeds(beds) {
  // Try it here: type “return ” and wait for the suggestion.
  
}

for (const bed of thirstyBeds(beds) ?? []) {
  console.log(`${bed.name}: ${litresFor(bed)} litres`);
}
console.log(`All beds together: ${totalLitres(beds)} litres`);
